package reports

import "io"

// Writer writes a document in one format.
type Writer func(io.Writer, Document) error

// Formats are the formats of files, by the name that the command line uses.
func Formats() map[string]Writer {
	return map[string]Writer{
		"github":   GitHub,
		"json":     JSON,
		"junit":    JUnit,
		"markdown": Markdown,
		"text":     Terminal{Width: 100}.Write,
	}
}
