package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStrip(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"whitespace, comments and instructions", "<?xml version=\"1.0\"?>\n<?style x?>\n<!-- a -->\n<a>\n  <!-- b -->\n  <b c=\"d\" />\n</a>\n", `<a><b c="d" /></a>`},
		{"diagram", `<a xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"><di:BPMNDiagram><di:x/><y>text</y></di:BPMNDiagram><b/></a>`, `<a xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"><b/></a>`},
		{"text is kept to the byte", "<a><s> x &lt; 1\n\t<![CDATA[ && ]]> </s></a>", "<a><s> x &lt; 1\n\t<![CDATA[ && ]]> </s></a>"},
		{"whitespace between texts is text", "<a>one<!-- c -->\n<!-- d -->two</a>", "<a>one\ntwo</a>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Strip([]byte(test.src))
			require.NoError(t, err)
			require.Equal(t, test.want, string(got))
			again, err := Strip(got)
			require.NoError(t, err)
			require.Equal(t, got, again, "stripping is idempotent")
		})
	}
}
