package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("hello from go")
	fmt.Println("args: " + strings.Join(os.Args[1:], " "))
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	fmt.Println("in: " + in.Text())
	os.Exit(3)
}
