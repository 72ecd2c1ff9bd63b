use std::env;
use std::io;
use std::process;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let mut line = String::new();

    println!("hello from rust");
    println!("args: {}", args.join(" "));
    io::stdin().read_line(&mut line).unwrap();
    println!("in: {}", line.trim_end());
    process::exit(3);
}
