package chart

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/analytics/report"
)

const (
	textSize  = 13.0
	rowHeight = 26.0
	padding   = 10.0
)

// table draws rows under their names: numbers to the right, what is too long cut.
func table(e report.Element) (panel, []string) {
	var notes []string
	rows := e.Rows
	if len(rows) > maxRows {
		notes = append(notes, fmt.Sprintf("%s: the first %d of %d rows are drawn; --output csv has all.", e.Title, maxRows, len(rows)))
		rows = rows[:maxRows]
	}
	p := panel{title: e.Title, width: full}
	if len(e.ColumnNames) == 0 || len(rows) == 0 {
		return empty(p), notes
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = make([]string, len(e.ColumnNames))
		for j := range e.ColumnNames {
			if j < len(row) {
				cells[i][j] = cell(unitOf(e, j), row[j])
			}
		}
	}
	columns, room := share(e.ColumnNames, cells)
	p.width = room
	var b svg.Buffer
	write := func(y float64, j int, text, class, weight string) {
		x, anchor := padding, "start"
		for _, w := range columns[:j] {
			x += w
		}
		if right(e, j) {
			x, anchor = x+columns[j]-2*padding, "end"
		}
		b.Text("text", svg.Clip(text, columns[j]-2*padding+1, textSize*spare), "class", class, "x", x, "y", y, "font-size", textSize, "text-anchor", anchor, "font-weight", weight)
	}
	for j, name := range e.ColumnNames {
		write(rowHeight*0.66, j, name, "wb-soft", "bold")
	}
	b.Add("path", "class", "wb-rule", "d", "M0 "+svg.Number(rowHeight)+"H"+svg.Number(room))
	for i, row := range cells {
		y := float64(i+1) * rowHeight
		if i%2 == 1 {
			b.Add("rect", "class", "wb-stripe", "x", 0, "y", y, "width", room, "height", rowHeight)
		}
		for j, text := range row {
			write(y+rowHeight*0.66, j, text, "wb-text", "normal")
		}
	}
	p.body, p.height = b.Bytes(), float64(len(cells)+1)*rowHeight
	p.text = fmt.Sprintf("table of %d rows. %s", len(e.Rows), words(e.ColumnNames, cells))
	return p, notes
}

func unitOf(e report.Element, column int) report.Unit {
	if column < len(e.ColumnTypes) {
		return e.ColumnTypes[column]
	}
	return report.Text
}

// right tells whether a column stands at the right: numbers do, as their digits then line up.
func right(e report.Element, column int) bool {
	switch unitOf(e, column) {
	case report.Count, report.Milliseconds, report.Percent:
		return true
	}
	return false
}

// spare is by how much other fonts are wider than the one that is measured.
const spare = 1.12

// share gives columns what their widest text needs. A table that is narrow gets half of the page; of one that is too wide, the widest columns
// give way.
func share(names []string, cells [][]string) (widths []float64, total float64) {
	widths = make([]float64, len(names))
	for j, name := range names {
		widths[j] = svg.Width(name, textSize*spare*1.05) // it is bold
		for _, row := range cells {
			widths[j] = max(widths[j], svg.Width(row[j], textSize*spare))
		}
		widths[j] += 2 * padding
		total += widths[j]
	}
	room := full
	if total <= half {
		room = half
	}
	if total > room {
		widest := slices.Max(widths)
		for total > room { // in steps that nobody sees
			widest--
			total = 0
			for j := range widths {
				widths[j] = min(widths[j], max(widest, 3*padding))
				total += widths[j]
			}
			if widest < 3*padding {
				break
			}
		}
	}
	for j := range widths {
		widths[j] *= room / total
	}
	return widths, room
}

func words(names []string, cells [][]string) string {
	var lines []string
	for i, row := range cells {
		if i == 10 {
			lines = append(lines, "and so on")
			break
		}
		var texts []string
		for j, text := range row {
			texts = append(texts, names[j]+" "+text)
		}
		lines = append(lines, strings.Join(texts, ", "))
	}
	return strings.Join(lines, "; ")
}

// empty is a panel without data, that says so.
func empty(p panel) panel {
	var b svg.Buffer
	b.Text("text", "No data in this range.", "class", "wb-soft", "x", 0, "y", 18, "font-size", textSize)
	p.body, p.height, p.text = b.Bytes(), rowHeight, "no data"
	return p
}
