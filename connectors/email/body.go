package email

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/freemarker"
)

// parseTemplate takes a name that ends in .txt or .txt.ftl for plain text; any other makes HTML, in which values are
// escaped. The error is a *freemarker.Error with the line.
func parseTemplate(file connectors.File, source string) (*freemarker.Template, error) {
	format := freemarker.HTML
	name := strings.TrimSuffix(strings.ToLower(file.Name), ".ftl")
	if strings.HasSuffix(name, ".txt") || strings.HasPrefix(file.MediaType, "text/plain") {
		format = freemarker.Text
	}
	return freemarker.Parse(file.Name, source, format)
}

// bodies returns the plain text and the HTML of the mail.
func (c *Connector) bodies(ctx context.Context, f *fields) (text, html string, err error) {
	text, html = f.text("text"), f.text("html")
	files := f.files("template")
	switch {
	case f.err() != nil:
		return "", "", f.err()
	case len(files) > 1:
		return "", "", invalid("template must be one file")
	case len(files) == 0 && text == "" && html == "":
		return "", "", &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "the mail is empty: give text, html or template"}
	case len(files) == 0:
		return text, html, nil
	}
	rendered, isHTML, err := c.render(ctx, files[0], f.inputs["metadata"])
	if err != nil {
		return "", "", err
	}
	if isHTML && html != "" || !isHTML && text != "" {
		return "", "", invalid("the template takes the place of the input text or html that is given too; leave one out")
	}
	if isHTML {
		return text, rendered, nil
	}
	return rendered, html, nil
}

func (c *Connector) render(ctx context.Context, file connectors.File, metadata any) (body string, isHTML bool, err error) {
	source, failed := c.read(ctx, file, freemarker.MaxSource)
	if failed != nil {
		return "", false, failed.classify(codeTemplateRead, "template")
	}
	template, err := parseTemplate(file, string(source))
	if err != nil {
		return "", false, &connectors.Error{Kind: connectors.BPMN, Code: codeTemplateSyntax, Public: err.Error()}
	}
	if text, ok := metadata.(string); ok && text != "" {
		if err := json.Unmarshal([]byte(text), &metadata); err != nil {
			return "", false, &connectors.Error{Kind: connectors.BPMN, Code: codeTemplateMetadata, Public: "metadata is text, but not JSON"}
		}
	}
	data, ok := metadata.(map[string]any)
	if !ok && metadata != nil && metadata != "" {
		return "", false, &connectors.Error{Kind: connectors.BPMN, Code: codeTemplateMetadata, Public: "metadata must be an object with the template's variables"}
	}
	var out bytes.Buffer
	if err := template.Render(&out, data); err != nil {
		return "", false, &connectors.Error{Kind: connectors.BPMN, Code: codeTemplateMetadata, Public: err.Error()}
	}
	return out.String(), template.HTML(), nil
}

func invalid(public string) error {
	return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: public}
}
