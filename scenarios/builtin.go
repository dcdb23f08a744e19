package scenarios

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.txtar
var files embed.FS

const extension = ".txtar"

// Names lists the built-in scenarios, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("embedded scenarios: %v", err)) // the root of an embedded file system always reads
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names)
	return names
}

// Source returns a built-in scenario and the file name that errors use for it.
func Source(name string) (file string, source []byte, err error) {
	file = name + extension
	source, err = files.ReadFile(file)
	if err != nil {
		return "", nil, fmt.Errorf("read built-in scenario %s: %w", name, err)
	}
	return file, source, nil
}
