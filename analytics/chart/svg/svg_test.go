package svg

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuffer(t *testing.T) {
	var b Buffer
	b.Open("g", "id", `a"<b>&`)
	b.Add("rect", "x", 1.005, "width", 7)
	b.Text("text", "a < b & c \x00", "y", math.NaN())
	b.Close("g")
	require.Equal(t, "<g id=\"a&#34;&lt;b&gt;&amp;\">\n<rect x=\"1\" width=\"7\"/>\n<text y=\"0\">a &lt; b &amp; c \uFFFD</text>\n</g>\n", b.String())
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -0.001: "0", 1.5: "1.5", 100: "100", -2.345678: "-2.35", math.Inf(1): "0"} {
		require.Equal(t, want, Number(v))
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want []string
	}{
		{"", 3, nil},
		{"one", 3, []string{"one"}},
		{"one two three", 3, []string{"one two", "three"}},
		{"one two three four five six", 2, []string{"one two", "three four…"}},
		{"Donaudampfschifffahrt", 4, []string{"Donaudam", "pfschifffah", "rt"}},
		{"a\nb\tc", 3, []string{"a b c"}},
	} {
		got := Wrap(c.text, 50, 10, c.most)
		require.Equal(t, c.want, got, c.text)
		for _, line := range got {
			require.LessOrEqual(t, Width(line, 10), 50.0)
		}
	}
	require.Equal(t, "a long …", Clip("a long sentence that does not fit", 40, 10)[:6]+" …")
	require.LessOrEqual(t, Width(Clip("日本語のとても長い名前", 60, 10), 10), 60.0)
}

func FuzzWrap(f *testing.F) {
	f.Add("some words", 40.0, 3)
	f.Add("x\xffy 日本語", 1.0, 1)
	f.Fuzz(func(t *testing.T, text string, width float64, most int) {
		if most < 1 || most > 100 || !(width > 0) {
			return
		}
		if lines := Wrap(text, width, 12, most); len(lines) > most {
			t.Fatalf("%d lines of %d", len(lines), most)
		}
		Clip(text, width, 12)
	})
}
