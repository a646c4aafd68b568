package freemarker

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"built-in":             {"a\n${name?upper_case}", `t.ftl: line 2: "?upper_case" in ${name?upper_case} is not in the subset`},
		"arithmetic":           {"${a + b}", `"+ b" in ${a + b}`},
		"literal":              {`${"text"}`, "name a variable"},
		"empty value":          {"${}", "name a variable"},
		"call":                 {"${f(x)}", `"(x)"`},
		"value not closed":     {"\n\n${name", `line 3: '}' is missing`},
		"quote not closed":     {`${a!"x}`, `'}' is missing`},
		"bracket not closed":   {"${(a!}", `is missing`},
		"nested value":         {`${a!"${b}"}`, "take it apart"},
		"escape":               {`${a!"\x41"}`, `\x is not in the subset of escapes`},
		"old interpolation":    {"#{a}", `"#{a}" is not in the subset`},
		"macro":                {"<@greet/>", "is not in the subset"},
		"square brackets":      {"[#if x]", "is not in the subset"},
		"include":              {"a\n<#include 'x'>", "line 2: <#include> is not in the subset"},
		"assign":               {"<#assign x = 1>", "<#assign> is not in the subset"},
		"misspelt":             {"<#elsif x>", `did you mean "elseif"?`},
		"if not closed":        {"a\n<#if x>\n\n", "line 2: <#if> is never closed"},
		"list not closed":      {"<#list a as b>", "<#list> is never closed"},
		"crossed":              {"<#if a>\n<#list b as c></#if></#list>", "line 2: </#if> does not belong to the <#list> of line 2"},
		"else in list":         {"<#list b as c><#else></#list>", "<#else> does not belong to the <#list>"},
		"two elses":            {"<#if a><#else><#else></#if>", "<#else> does not belong"},
		"stray end":            {"</#if>", "</#if> has no beginning"},
		"stray else":           {"<#else>", "<#else> has no beginning"},
		"else with condition":  {"<#if a><#else b></#if>", "write <#elseif"},
		"list form":            {"<#list a></#list>", "write <#list items as item>"},
		"no condition":         {"<#if ></#if>", "the condition is missing"},
		"built-in in if":       {"<#if a?size gt 3></#if>", "built-ins such as"},
		"call in if":           {"<#if now() == 1></#if>", "calls such as"},
		"arithmetic in if":     {"<#if a + 1 == 2></#if>", `"+ 1 == 2" is not in the subset of conditions`},
		"half a condition":     {"<#if a ==></#if>", "operators and operands do not fit"},
		"comment not closed":   {"<#-- x", "the comment does not end"},
		"no tag name":          {"<#>", "is not a tag"},
		"unquoted attribute":   {"<a href=${link}>", "put quotes around the attribute"},
		"unquoted, later":      {`<a title="${a}" href=${b}>`, "put quotes around the attribute"},
		"partly unquoted":      {`<a href=http://${b}>`, "put quotes around the attribute"},
		"quoted in between":    {`<a title='>' href= ${b}>`, "put quotes around the attribute"},
		"unquoted in a branch": {`<a <#if x>href=<#else>id=a</#if>${b}>`, "put quotes around the attribute"},
		"unquoted in a list":   {`<a href=<#list x as y>${y}</#list>>`, "put quotes around the attribute"},
		"attribute":            {`<a ${b}>`, "a value makes no tags and attributes"},
		"tag":                  {"</${b}>", "a value makes no tags and attributes"},
		"quote in a branch":    {`<a title="<#if x>a"</#if>>`, "ends in another place of the HTML"},
		"quote in a list":      {`<a title="<#list x as y>a"</#list>>`, "ends in another place of the HTML"},
		"too deep":             {strings.Repeat("<#if a>", 40), "nested deeper"},
		"long expression":      {"${" + strings.Repeat("(", 5000) + "}", "is missing after"},
		"too long expression":  {"${a!" + strings.Repeat(" ", 5000) + "}", "longer than 4096"},
		"too long":             {strings.Repeat("x", MaxSource+1), "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("t.ftl", tc.source, HTML)
			require.ErrorContains(t, err, tc.want)
			var e *Error
			require.ErrorAs(t, err, &e)
		})
	}
}

func TestBareGreaterEndsTheTag(t *testing.T) {
	// As in FreeMarker: the condition is "a", and " 3>" is text.
	template, err := Parse("t", "<#if a > 3></#if>", Text)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, template.Render(&out, map[string]any{"a": true}))
	require.Equal(t, " 3>", out.String())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"Dear ${name!\"x\"?html}\n<#if a?? && (b > 3)>\n<#list c.d as e>${e_index}</#list>\n<#elseif !x><#else></#if><#-- c -->",
		`${(a.b[0]["c"])!'d\'e'}<#if (x!"") = "y" || v0 lt 1.5></#if>`,
		"</#if><@x>#{y}[#if", "${((((a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, format := range []Format{Text, HTML} {
			template, err := Parse("t", source, format)
			if err != nil {
				continue
			}
			_ = template.Render(io.Discard, map[string]any{"a": map[string]any{"b": "c"}, "c": []any{"x", int64(1), nil}, "x": true})
		}
	})
}
