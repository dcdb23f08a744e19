// Command hello says so. It is built without cgo, to have a static program.
package main

import "fmt"

func main() { fmt.Println("hello from a static program") }
