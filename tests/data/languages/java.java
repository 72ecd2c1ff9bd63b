import java.util.Scanner;

public class Main {
	public static void main(String[] args) {
		System.out.println("hello from java");
		System.out.println("args: " + String.join(" ", args));
		System.out.println("in: " + new Scanner(System.in).nextLine());
		System.exit(3);
	}
}
