package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/analytics/chart"
	"github.com/waybill-io/waybill/analytics/report"
)

// reportFormat is how a report is answered.
type reportFormat string

// The formats, as ?format= names them.
const (
	formatJSON reportFormat = "json"
	formatCSV  reportFormat = "csv"
	formatSVG  reportFormat = "svg"
)

var reportMedia = map[reportFormat]string{formatJSON: "application/json", formatCSV: "text/csv", formatSVG: "image/svg+xml"}

// errNotAcceptable is wrapped when a request accepts nothing that there is.
var errNotAcceptable = errors.New("a report can be application/json, text/csv or image/svg+xml")

// formatOf is the format that ?format= names, else what the header Accept likes best (RFC 9110, 12.5.1), else JSON.
func formatOf(r *http.Request) (reportFormat, error) {
	if name := r.URL.Query().Get("format"); name != "" {
		form := reportFormat(strings.ToLower(name))
		if reportMedia[form] == "" {
			return "", badRequest{fmt.Errorf("the parameter format: %q: json, csv or svg is expected", name)}
		}
		return form, nil
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return formatJSON, nil
	}
	best, form := 0.0, reportFormat("")
	for _, candidate := range []reportFormat{formatJSON, formatCSV, formatSVG} { // the first of those that are liked as well
		if q := liking(accept, reportMedia[candidate]); q > best {
			best, form = q, candidate
		}
	}
	if form == "" {
		return "", errNotAcceptable
	}
	return form, nil
}

// liking is the weight that an Accept header gives to a type, by its most specific range; 0: none.
func liking(accept, media string) float64 {
	group, _, _ := strings.Cut(media, "/")
	weight, specific := 0.0, 0
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		rank := map[string]int{media: 3, group + "/*": 2, "*/*": 1}[name]
		if rank <= specific {
			continue
		}
		specific, weight = rank, 1
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				weight = 0
			}
		}
	}
	return weight
}

// write writes a result.
func (f reportFormat) write(w http.ResponseWriter, result report.Result, q question) error {
	var out bytes.Buffer
	switch f {
	case formatCSV:
		if err := report.WriteCSV(&out, result, q.element); err != nil {
			return err
		}
	case formatSVG:
		if m := q.options.Measure; m != "" && m != chart.ByCount && m != chart.ByTotal && m != chart.ByAverage {
			return badRequest{fmt.Errorf("the parameter measure: %q: %s, %s or %s is expected", m, chart.ByCount, chart.ByTotal, chart.ByAverage)}
		}
		picture, err := chart.SVG(result, q.options)
		if err != nil {
			return badRequest{err} // a model that is none, or more than can be drawn
		}
		out.Write(picture)
	default:
		reply(w, http.StatusOK, result)
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", reportMedia[f])
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // a picture runs nothing
	if f == formatCSV {
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": result.Report + ".csv"}))
	}
	_, _ = w.Write(out.Bytes()) // the client has gone
	return nil
}
