package runner

// Sign signs the history of a folder, as a drill does at its end.
func Sign(f Folder, key *SignKey) error { return f.sign(key) }
