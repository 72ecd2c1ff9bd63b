object Main {
  def main(args: Array[String]): Unit = {
    println("hello from scala")
    println("args: " + args.mkString(" "))
    println("in: " + scala.io.StdIn.readLine())
    sys.exit(3)
  }
}
