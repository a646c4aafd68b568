package template

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed bundled
var bundled embed.FS

// templates are those that are bundled. They are small, every notice looks for some, and none is read before the first is looked for.
var templates = sync.OnceValue(func() map[Key]Template {
	all := map[Key]Template{}
	for _, key := range BundledKeys() {
		file := key.Base() + EndingGo
		content, err := bundled.ReadFile("bundled/" + file)
		if err == nil {
			_, all[key], err = ReadFile(file, content)
		}
		if err != nil {
			panic(fmt.Sprintf("a bundled template: %v", err)) // a test reads each
		}
	}
	return all
})

// Bundled is the template of a name that comes with the program, in the language of a locale or in English. Its key says which.
func Bundled(name, locale string) (Key, Template, bool) {
	for _, l := range locales(locale) {
		key := Key{Name: name, Locale: l}
		if t, ok := templates()[key]; ok {
			return key, t, true
		}
	}
	return Key{}, Template{}, false
}

// BundledKeys are the keys of all that are bundled, in order of their names.
func BundledKeys() []Key {
	files, _ := fs.Glob(bundled, "bundled/*"+EndingGo) // the pattern is one
	var keys []Key
	for _, file := range files {
		if key, _, err := keyOf(file); err == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID(), b.ID()) })
	return keys
}

// Sample is data that shows a bundled template, for previews; of another name, what every template sees.
func Sample(name string) map[string]any {
	all, err := bundled.ReadFile("bundled/samples.json")
	samples := map[string]map[string]any{}
	if err == nil {
		err = json.Unmarshal(all, &samples)
	}
	if err != nil {
		panic(fmt.Sprintf("the samples of the bundled templates: %v", err)) // a test reads them
	}
	data := samples["*"]
	maps.Copy(data, samples[name])
	return data
}
