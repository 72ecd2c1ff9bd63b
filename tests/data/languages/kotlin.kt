import kotlin.system.exitProcess

fun main(args: Array<String>) {
    println("hello from kotlin")
    println("args: " + args.joinToString(" "))
    println("in: " + readLine())
    exitProcess(3)
}
