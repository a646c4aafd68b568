package trigger

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/waybill-io/waybill/connectors/suggest"
)

// propertyBody is the inside of a class for a name in \p{...}, as java.util.regex.Pattern has them: POSIX classes,
// java.lang.Character's, categories, and with Is a property, category or script, with In a block. Categories and scripts
// are of the Unicode version of Go.
func propertyBody(name string) (string, error) {
	key, value, keyed := strings.Cut(name, "=")
	switch key := strings.ToLower(key); {
	case keyed && (key == "script" || key == "sc"):
		return known(name, "script", value, scripts())
	case keyed && (key == "block" || key == "blk"):
		return known(name, "block", value, blocks())
	case keyed && (key == "general_category" || key == "gc"):
		return known(name, "category", value, categories())
	case keyed:
		return "", fmt.Errorf(`\p{%s}: %q is unknown; there are script, block and general_category`, name, key)
	}
	if body, ok := classes[name]; ok {
		return body, nil
	}
	if in, ok := strings.CutPrefix(name, "In"); ok {
		return known(name, "block", in, blocks())
	}
	if is, ok := strings.CutPrefix(name, "Is"); ok {
		for _, names := range []map[string]string{properties, categories(), scripts()} {
			if body, ok := names[plainName(is)]; ok {
				return body, nil
			}
		}
		if body, ok := classes[is]; ok {
			return body, nil
		}
		return known(name, "property or script", is, scripts())
	}
	return known(name, "category", name, categories())
}

// known finds a name whatever its case, spaces, hyphens and underscores are.
func known(written, kind, name string, names map[string]string) (string, error) {
	if body, ok := names[plainName(name)]; ok {
		return body, nil
	}
	hint := suggest.Hint(plainName(name), sortedKeys(names))
	if kind == "block" {
		hint += `; write its range, [\x{...}-\x{...}]`
	}
	return "", fmt.Errorf(`\p{%s}: %s %q is unknown%s`, written, kind, name, hint)
}

func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(name))
}

// classes are written as they are, in their case.
var classes = map[string]string{
	"Lower": "[:lower:]", "Upper": "[:upper:]", "ASCII": "[:ascii:]", "Alpha": "[:alpha:]", "Digit": "[:digit:]", "Alnum": "[:alnum:]",
	"Punct": "[:punct:]", "Graph": "[:graph:]", "Print": "[:print:]", "Blank": "[:blank:]", "Cntrl": "[:cntrl:]", "XDigit": "[:xdigit:]",
	"Space": "[:space:]",

	"all": `\x{0}-\x{10FFFF}`, "L1": `\x{0}-\x{FF}`, "LC": `\p{Lu}\p{Ll}\p{Lt}`, "LD": `\p{L}\p{Nd}`,

	"javaLowerCase": properties["lowercase"], "javaUpperCase": properties["uppercase"], "javaTitleCase": `\p{Lt}`,
	"javaAlphabetic": properties["alphabetic"], "javaIdeographic": properties["ideographic"], "javaDigit": `\p{Nd}`,
	"javaLetter": `\p{L}`, "javaLetterOrDigit": `\p{L}\p{Nd}`, "javaSpaceChar": `\p{Z}`, "javaISOControl": `\x{0}-\x{1F}\x{7F}-\x{9F}`,
	"javaWhitespace": `\t-\r\x{1C}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200A}\x{2028}\x{2029}\x{205F}\x{3000}`,
}

var properties = map[string]string{
	"alphabetic": `\p{L}\p{Nl}` + ranges("Other_Alphabetic"),
	"uppercase":  `\p{Lu}` + ranges("Other_Uppercase"),
	"lowercase":  `\p{Ll}` + ranges("Other_Lowercase"),
	"titlecase":  `\p{Lt}`, "letter": `\p{L}`, "digit": `\p{Nd}`, "punctuation": `\p{P}`, "control": `\p{Cc}`,
	"whitespace": ranges("White_Space"), "hexdigit": ranges("Hex_Digit"), "ideographic": ranges("Ideographic"),
	"joincontrol": ranges("Join_Control"), "noncharactercodepoint": ranges("Noncharacter_Code_Point"),
}

// ranges writes out a property that Go's expressions have no name for.
func ranges(property string) string {
	var s set
	table := unicode.Properties[property]
	for _, r := range table.R16 {
		s = appendRange(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		s = appendRange(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return s.body()
}

func appendRange(s set, lo, hi, stride rune) set {
	if stride == 1 {
		return append(s, lo, hi)
	}
	for r := lo; r <= hi; r += stride {
		s = append(s, r, r)
	}
	return s
}

// The tables of names are made when a pattern asks for one: few do.
var categories = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for name := range unicode.Categories {
		names[plainName(name)] = `\p{` + name + `}`
	}
	return names
})

// scripts have their names and the most usual of their codes (ISO 15924).
var scripts = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for name := range unicode.Scripts {
		names[plainName(name)] = `\p{` + name + `}`
	}
	for code, name := range map[string]string{
		"latn": "latin", "grek": "greek", "cyrl": "cyrillic", "hebr": "hebrew", "arab": "arabic", "hani": "han", "hira": "hiragana",
		"kana": "katakana", "hang": "hangul", "deva": "devanagari", "armn": "armenian", "geor": "georgian", "zyyy": "common", "zinh": "inherited",
	} {
		names[code] = names[name]
	}
	return names
})

// blocks are those of the living scripts and the usual symbols; a table of all 300 is not worth its length.
var blocks = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(\S+) ([0-9A-F]+)-([0-9A-F]+)`).FindAllStringSubmatch(blockTable, -1) {
		names[m[1]] = `\x{` + m[2] + `}-\x{` + m[3] + `}`
	}
	return names
})

const blockTable = `
basiclatin 0-7F latin1supplement 80-FF latinextendeda 100-17F latinextendedb 180-24F latinextendedadditional 1E00-1EFF
ipaextensions 250-2AF spacingmodifierletters 2B0-2FF combiningdiacriticalmarks 300-36F
greek 370-3FF greekandcoptic 370-3FF greekextended 1F00-1FFF cyrillic 400-4FF cyrillicsupplement 500-52F cyrillicsupplementary 500-52F
armenian 530-58F hebrew 590-5FF arabic 600-6FF arabicsupplement 750-77F syriac 700-74F thaana 780-7BF
devanagari 900-97F bengali 980-9FF gurmukhi A00-A7F gujarati A80-AFF oriya B00-B7F tamil B80-BFF telugu C00-C7F kannada C80-CFF
malayalam D00-D7F sinhala D80-DFF thai E00-E7F lao E80-EFF tibetan F00-FFF myanmar 1000-109F georgian 10A0-10FF
hanguljamo 1100-11FF ethiopic 1200-137F cherokee 13A0-13FF khmer 1780-17FF mongolian 1800-18AF
generalpunctuation 2000-206F superscriptsandsubscripts 2070-209F currencysymbols 20A0-20CF letterlikesymbols 2100-214F
numberforms 2150-218F arrows 2190-21FF mathematicaloperators 2200-22FF miscellaneoustechnical 2300-23FF boxdrawing 2500-257F
blockelements 2580-259F geometricshapes 25A0-25FF miscellaneoussymbols 2600-26FF dingbats 2700-27BF
cjkradicalssupplement 2E80-2EFF cjksymbolsandpunctuation 3000-303F hiragana 3040-309F katakana 30A0-30FF bopomofo 3100-312F
hangulcompatibilityjamo 3130-318F cjkunifiedideographsextensiona 3400-4DBF cjkunifiedideographs 4E00-9FFF hangulsyllables AC00-D7AF
privateusearea E000-F8FF cjkcompatibilityideographs F900-FAFF alphabeticpresentationforms FB00-FB4F arabicpresentationformsa FB50-FDFF
arabicpresentationformsb FE70-FEFF halfwidthandfullwidthforms FF00-FFEF specials FFF0-FFFF
miscellaneoussymbolsandpictographs 1F300-1F5FF emoticons 1F600-1F64F transportandmapsymbols 1F680-1F6FF
`
