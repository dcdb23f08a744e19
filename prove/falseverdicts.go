package prove

import _ "embed" // for the table

// FalseVerdicts is the table of the false verdicts that were possible once, each with
// the test that holds it now. It is written by hand, and a part of the track record.
//
//go:embed falseverdicts.md
var FalseVerdicts string
