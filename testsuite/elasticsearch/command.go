package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names in the home folder of an installation.
const (
	open        = "open"
	secured     = "secured"
	archiveName = "classes.jsa"
)

const logging = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`

// settings are the lines of elasticsearch.yml that every server has, which keeps everything in a folder.
func (i Installation) settings(dir string, security bool) map[string]string {
	home := open
	if security {
		home = secured
	}
	return map[string]string{
		"path.home": filepath.Join(i.home, home), "path.data": filepath.Join(dir, "data"), "path.logs": filepath.Join(dir, "logs"),
		"network.host": "127.0.0.1", "discovery.type": "single-node", "cluster.name": "waybill", "node.name": "waybill",
		// The disk of a machine that runs tests is seldom as empty as a server wants it.
		"cluster.routing.allocation.disk.threshold_enabled": "false",
	}
}

// configure writes the files that a server reads from the folder config.
func configure(dir string, settings map[string]string) error {
	config := filepath.Join(dir, "config")
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		lines.WriteString(name + ": " + strconv.Quote(settings[name]) + "\n")
	}
	return errors.Join(
		os.MkdirAll(config, 0o700),
		os.WriteFile(filepath.Join(config, "elasticsearch.yml"), []byte(lines.String()), 0o600),
		os.WriteFile(filepath.Join(config, "log4j2.properties"), []byte(logging), 0o600),
	)
}

// command runs a server in a folder that was configured.
func (i Installation) command(ctx context.Context, dir string, flags ...string) *exec.Cmd {
	flags = append(flags, "-Xms512m", "-Xmx512m", "-Djava.io.tmpdir="+dir, "-cp", filepath.Join(i.home, "lib", "*"),
		"io.waybill.elasticsearch.Main", filepath.Join(dir, "config"))
	c := exec.CommandContext(ctx, i.java, flags...)
	c.Dir = dir
	return c
}

// quick are flags for a start in the time of a test.
func (i Installation) quick() []string {
	return []string{"-XX:TieredStopAtLevel=1", fmt.Sprint("-XX:SharedArchiveFile=", filepath.Join(i.home, archiveName))}
}
