package freemarker

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var data = map[string]any{
	"name":     "Ann <ann@example.com>",
	"amount":   1234567.5,
	"count":    int64(3),
	"vip":      true,
	"nothing":  nil,
	"customer": map[string]any{"first": "Ann", "address": map[string]any{"city": "Ulm"}, "odd key": "odd"},
	"items": []any{
		map[string]any{"title": "Pen", "price": 1.5},
		map[string]any{"title": "<Ink>", "price": 4.0},
	},
	"none":   []any{},
	"source": "${name}<#if x>",
}

func render(t *testing.T, format Format, source string) (string, error) {
	t.Helper()
	template, err := Parse("t.ftl", source, format)
	require.NoError(t, err)
	var out strings.Builder
	err = template.Render(&out, data)
	return out.String(), err
}

func TestRender(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"plain":              {"a $ b { c } # d < e", "a $ b { c } # d < e"},
		"value":              {"${name}", "Ann <ann@example.com>"},
		"path":               {"${customer.address.city} ${items[1].title} ${customer['odd key']} ${ customer.first }", "Ulm <Ink> odd Ann"},
		"numbers":            {"${amount} ${count} ${items[1].price} ${vip}", "1234567.5 3 4 true"},
		"default":            {`${a!"x"} ${a.b.c!'y'} ${nothing!"z"} ${count!7} ${a!7} ${a!-1.5} ${a!true}[${a!}]`, "x y z 3 7 -1.5 true[]"},
		"default, bracketed": {`${(a.b)!"x"} ${(customer.first)!"x"} ${(a!"<")?html}`, "x Ann &lt;"},
		"default, escapes":   {`${a!"q\"b\\n\n}"}`, "q\"b\\n\n}"},
		"html in text":       {"${name?html} ${a!'<'?html}", "Ann &lt;ann@example.com&gt; &lt;"},
		"data is no source":  {"${source}", "${name}<#if x>"},
		"comment":            {"a<#-- ${broken <#if \n don't -->b", "ab"},
		"if":                 {"<#if vip>yes<#else>no</#if>", "yes"},
		"elseif":             {"<#if count gt 3>more<#elseif count == 3>three<#else>less</#if>", "three"},
		"presence":           {"<#if a??>a<#elseif customer.first??>b</#if><#if (a.b)??>c</#if><#if !a??>d</#if><#if nothing??>e</#if>", "bd"},
		"guard":              {`<#if a?? && a.b == "x">no<#else>ok</#if>`, "ok"},
		"default in if":      {`<#if (a!"") == "">empty</#if><#if a!false>no</#if><#if (a.b)! == "">empty</#if>`, "emptyempty"},
		"operators":          {`<#if (count > 2) && count lte 3 && !(count < 3) || false>ok</#if>`, "ok"},
		"not equal":          {`<#if name!="Bob">ok</#if><#if (count) != 3>no</#if>`, "ok"},
		"single equals":      {`<#if customer.first = "Ann">ok</#if>`, "ok"},
		"text with quotes":   {`<#if name != "it's > \"this\"">ok</#if>`, "ok"},
		"list":               {"<#list items as i>${i_index}:${i.title}=${i.price}<#if i_has_next>, </#if></#list>", "0:Pen=1.5, 1:<Ink>=4"},
		"list, empty":        {"[<#list none as x>${x}</#list>]", "[]"},
		"list, nested":       {"<#list items as a><#list items as b>${a_index}${b_index} </#list></#list>", "00 01 10 11 "},
		"list shadows":       {"<#list items as name>${name.title}</#list>${name}", "Pen<Ink>Ann <ann@example.com>"},
		"lines of tags": {"Dear\n<#if vip>\n  VIP\n<#else>\n  you\n</#if>\n<#-- c --> <#list items as i>\n* ${i.title}\n</#list>\nBye",
			"Dear\n  VIP\n* Pen\n* <Ink>\nBye"},
		"line with text": {"a <#if vip>\nb\n</#if>\nc", "a \nb\nc"},
		"windows lines":  {"a\r\n<#if vip>\r\nb\r\n</#if>\r\n", "a\nb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := render(t, Text, tc.source)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestHTMLIsEscapedOnce(t *testing.T) {
	got, err := render(t, HTML, `<p title="${name}">${name?html} ${a!"<&>"} ${items[1].title}</p>`)
	require.NoError(t, err)
	require.Equal(t, `<p title="Ann &lt;ann@example.com&gt;">Ann &lt;ann@example.com&gt; &lt;&amp;&gt; &lt;Ink&gt;</p>`, got)
}

func TestValuesInAttributes(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"part of a link":     {`<a href="https://x/view?id=${q}&a=b">`, `<a href="https://x/view?id=a=&#34;b&a=b">`},
		"single quotes":      {`<a title='= ${q}' href='${url}'>`, `<a title='= a=&#34;b' href='https://x/'>`},
		"no tag":             {`a < b = ${q} <3 = ${q} <!-- <a = ${q} --> = ${q}`, `a < b = a=&#34;b <3 = a=&#34;b <!-- <a = a=&#34;b --> = a=&#34;b`},
		"unquoted, no value": {`<td width=10 class="${q}">${q}`, `<td width=10 class="a=&#34;b">a=&#34;b`},
		"branches":           {`<a <#if on>href="<#if on>${url}<#else>/</#if>"</#if> class="<#list two as x>${x}</#list>">${q}`, `<a href="https://x/" class="javascript:x">a=&#34;b`},
		"script":             {`<a href="${bad}">`, `<a href="#">`},
		"script, hidden":     {`<a HREF = " ${hidden}">`, `<a HREF = " #">`},
		"script in two":      {`<a href="${java}${script}"><a href="java${script}"><img src='<#list two as x>${x}</#list>'>`, `<a href="javascript#"><a href="java#"><img src='javascript#'>`},
		"script by colon":    {`<a href="${javascript}:alert(1)"><a href="${https}://x/">`, `<a href="#:alert(1)"><a href="https://x/">`},
		"script, no link":    {`<a title="${bad}" href="/?${bad}">${bad}`, `<a title="javascript:alert(1)" href="/?javascript:alert(1)">javascript:alert(1)`},
		"other links":        {`<a href="${mail}"><img src="${cid}"><a href="${path}"><a href="${url}${colon}"><a href="${host}:80/"><a href="mailto:${colon}">`, `<a href="mailto:a@b.c"><img src="cid:1"><a href="a/b:c"><a href="https://x/a:b"><a href="http://h:80/"><a href="mailto:a:b">`},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := Parse("t.ftl", tc.source, HTML)
			require.NoError(t, err)
			var out strings.Builder
			require.NoError(t, template.Render(&out, map[string]any{
				"q": `a="b`, "url": "https://x/", "bad": "javascript:alert(1)", "hidden": "java\nscript:alert(1)", "java": "javascript", "script": "script:x",
				"javascript": "javascript", "https": "https", "mail": "mailto:a@b.c", "cid": "cid:1", "path": "a/b:c", "colon": "a:b", "host": "http://h", "on": true,
				"two": []any{"javascript", ":x"},
			}))
			require.Equal(t, tc.want, out.String())
		})
	}
}

func TestMrkdwnIsEscapedOnce(t *testing.T) {
	template, err := Parse("t", "<@U1> <#C1|ops> <@${id}> <!here> & ${name} ${a?html} ${b}<#if name == '<!here> & \"co\"'>!</#if>", Mrkdwn)
	require.NoError(t, err)
	require.False(t, template.HTML())
	var out strings.Builder
	require.NoError(t, template.Render(&out, map[string]any{"name": `<!here> & "co"`, "a": "<", "b": int64(3), "id": "U2"}))
	require.Equal(t, `<@U1> <#C1|ops> <@U2> <!here> & &lt;!here&gt; &amp; "co" &lt; 3!`, out.String(), "the template's own marks stay, those of values do not")
	for _, source := range []string{"<@greet/>", "<#if", "<#include 'x'>", "<#>"} {
		_, err = Parse("t", source, Mrkdwn)
		require.Error(t, err, source)
	}
	_, err = Parse("t", "<@U1>", Text)
	require.Error(t, err)
}

func TestRenderFails(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"unknown":           {"a\n\n${customer.last}", "t.ftl: line 3: customer.last is missing"},
		"null":              {"${nothing}", "nothing is missing"},
		"unknown in if":     {"\n<#if foo == 1></#if>", "line 2: foo is missing"},
		"unknown list":      {"<#list foo as x></#list>", "foo is missing"},
		"list of a text":    {"<#list name as x></#list>", "name is not a list"},
		"a list as value":   {"${items}", "items is a list or an object"},
		"index too high":    {"${items[9].title}", "items[9].title is missing"},
		"property of text":  {"${name.first}", "name.first is missing"},
		"text as condition": {"<#if name></#if>", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, Text, tc.source)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "ann@example.com", "values stay out of errors")
		})
	}
	_, err := render(t, Text, "${foo}")
	var missing *MissingError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "foo", missing.Name)
}

func TestOutputIsBounded(t *testing.T) {
	many := make([]any, 1000)
	template, err := Parse("t", strings.Repeat("<#list m as x>", 4)+strings.Repeat("y", 100)+strings.Repeat("</#list>", 4), Text)
	require.NoError(t, err)
	require.ErrorContains(t, template.Render(io.Discard, map[string]any{"m": many}), "makes more than")
}

func TestWriterErrorIsReturned(t *testing.T) {
	template, err := Parse("t", "x", Text)
	require.NoError(t, err)
	broken := errors.New("disk full")
	r, w := io.Pipe()
	require.NoError(t, r.CloseWithError(broken))
	require.ErrorIs(t, template.Render(w, nil), broken)
}

// Lists that write nothing end as well.
func TestTurnsAreBounded(t *testing.T) {
	items := make([]any, 1000)
	source := "<#list a as x><#list a as y><#list a as z></#list></#list></#list>"
	template, err := Parse("t", source, HTML)
	require.NoError(t, err)
	require.ErrorContains(t, template.Render(io.Discard, map[string]any{"a": items}), "line 1: the lists have more than")
}
