package reports

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the document as one JSON value, indented.
func JSON(w io.Writer, d Document) error { return writeJSON(w, d) }

// WriteResults writes results.json.
func WriteResults(w io.Writer, r Results) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // "<" is in every other gate line
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// ReadResults reads a results.json of this schema.
func ReadResults(r io.Reader) (Results, error) {
	var results Results
	if err := json.NewDecoder(r).Decode(&results); err != nil {
		return Results{}, fmt.Errorf("read results: %w", err)
	}
	if results.Schema != Schema {
		return Results{}, fmt.Errorf("read results: schema %d, and this version reads %d", results.Schema, Schema)
	}
	return results, nil
}
