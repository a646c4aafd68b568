package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

const (
	// firstSaved is the lowest number of a report that somebody saved.
	firstSaved = 1000
	// maxSaved bounds what one user saves.
	maxSaved = 100
	// maxName bounds the name of a saved report, in bytes.
	maxName = 200
)

// saved are the reports as the user of a request has them: those that all have, under their own names or the user's, then what was saved.
func (o *reports) saved(r *http.Request) ([]contract.SavedReport, error) {
	own, err := o.Client.SavedReports(r.Context(), o.user(r))
	if err != nil {
		return nil, err
	}
	var all []contract.SavedReport
	for _, known := range report.All() {
		s := contract.SavedReport{Number: known.Number, Name: known.Title, Report: known.Name}
		for _, changed := range own {
			if changed.Number == s.Number {
				s = changed
			}
		}
		all = append(all, s)
	}
	slices.SortFunc(own, func(a, b contract.SavedReport) int { return a.Created.Compare(b.Created) })
	for _, s := range own {
		if _, ok := report.Find(s.Report); ok && s.Number >= firstSaved {
			all = append(all, s)
		}
	}
	return all, nil
}

// one is the report that the path names.
func (o *reports) one(r *http.Request) (contract.SavedReport, error) {
	all, err := o.saved(r)
	if err != nil {
		return contract.SavedReport{}, err
	}
	return pick(all, r.PathValue("id"))
}

func pick(all []contract.SavedReport, id string) (contract.SavedReport, error) {
	for _, s := range all {
		if strconv.Itoa(s.Number) == id {
			return s, nil
		}
	}
	return contract.SavedReport{}, missing(id)
}

// form is the report that the path names, and the values in the body.
func (o *reports) form(r *http.Request) (s contract.SavedReport, given map[string]string, err error) {
	if s, err = o.one(r); err == nil {
		given, err = readParameters(r)
	}
	return s, given, err
}

// nameOf is the name in a body.
func nameOf(given map[string]string) (string, error) {
	for _, field := range []string{"name", "reportName", "__reportName"} {
		name := strings.TrimSpace(given[field])
		if len(name) > maxName {
			return "", badRequest{fmt.Errorf("%s: at most %d bytes are expected", field, maxName)}
		}
		if name != "" {
			return name, nil
		}
	}
	return "", badRequest{errors.New("name is missing: the name of the report")}
}

// renameReport gives a report another name for this user.
func (o *reports) renameReport(w http.ResponseWriter, r *http.Request) error {
	s, given, err := o.form(r)
	if err != nil {
		return err
	}
	if s.Name, err = nameOf(given); err != nil {
		return err
	}
	return o.put(w, r, s)
}

// saveReport saves the values of a form under a new name.
func (o *reports) saveReport(w http.ResponseWriter, r *http.Request) error {
	all, err := o.saved(r)
	if err != nil {
		return err
	}
	if n := len(all) - len(report.All()); n >= maxSaved {
		return badRequest{fmt.Errorf("%d reports are saved, which is the most: DELETE %s/reports/{id} removes one", n, reporting)}
	}
	s, err := pick(all, r.PathValue("id"))
	if err != nil {
		return err
	}
	given, err := readParameters(r)
	if err != nil {
		return err
	}
	if s.Name, err = nameOf(given); err != nil {
		return err
	}
	s.Parameters = formRequest(r, s, given).Parameters
	if err := report.Check(report.Request{Report: s.Report, Parameters: s.Parameters}); err != nil {
		return err
	}
	s.Created, s.Hidden = time.Now().UTC(), false
	// Two who save at once must not get the same number.
	s.Number = firstSaved + int(rand.Int32N(1<<30))
	return o.put(w, r, s)
}

func (o *reports) put(w http.ResponseWriter, r *http.Request, s contract.SavedReport) error {
	if err := o.Client.SaveReport(r.Context(), o.user(r), s); err != nil {
		return err
	}
	reply(w, http.StatusOK, reportName{s.Number, s.Name})
	return nil
}

// removeReport removes a saved report, or one that all have from the list of this user.
func (o *reports) removeReport(w http.ResponseWriter, r *http.Request) error {
	s, err := o.one(r)
	if err != nil {
		return err
	}
	if s.Number < firstSaved {
		s.Hidden = true
		return o.put(w, r, s)
	}
	if err := o.Client.RemoveReport(r.Context(), o.user(r), s.Number); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// restoreDefaults takes back what the user changed of the reports that all have.
func (o *reports) restoreDefaults(w http.ResponseWriter, r *http.Request) error {
	return o.forget(w, r, func(s contract.SavedReport) bool { return s.Number < firstSaved })
}

// resetReports takes back all that the user changed and saved.
func (o *reports) resetReports(w http.ResponseWriter, r *http.Request) error {
	return o.forget(w, r, func(contract.SavedReport) bool { return true })
}

func (o *reports) forget(w http.ResponseWriter, r *http.Request, which func(contract.SavedReport) bool) error {
	user := o.user(r)
	own, err := o.Client.SavedReports(r.Context(), user)
	if err != nil {
		return err
	}
	for _, s := range own {
		if !which(s) {
			continue
		}
		if err := o.Client.RemoveReport(r.Context(), user, s.Number); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusOK) // as the original
	return nil
}
