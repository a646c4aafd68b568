package rabbitmq

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/testsuite/process"
)

// environment puts everything that a broker has into the folder of this one.
func (s *Server) environment() []string {
	return []string{
		"HOME=" + s.dir, // of the cookie
		"RABBITMQ_NODENAME=waybill-" + strconv.Itoa(s.Port) + "@localhost",
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(s.dir, "data"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(s.dir, "logs"),
		"RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(s.dir, "rabbitmq.conf"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(s.dir, "advanced.config"),
		"RABBITMQ_CONF_ENV_FILE=" + filepath.Join(s.dir, "rabbitmq-env.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(s.dir, "enabled_plugins"),
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(s.dist),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
		"ERL_EPMD_PORT=" + strconv.Itoa(s.epmd),
		"ERL_EPMD_ADDRESS=127.0.0.1",
	}
}

func (s *Server) writeConfiguration() {
	s.t.Helper()
	certificate, keyFile := process.Certificate(s.t, s.dir)
	s.CAFile = certificate

	// The disk of a machine that runs tests is seldom as empty as a broker wants it.
	lines := []string{
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d", s.Port),
		fmt.Sprintf("listeners.ssl.1 = 127.0.0.1:%d", s.TLSPort),
		"ssl_options.cacertfile = " + s.CAFile,
		"ssl_options.certfile = " + s.CAFile,
		"ssl_options.keyfile = " + keyFile,
		"default_user = " + Username,
		"default_pass = " + Password,
		"disk_free_limit.absolute = 1MB",
		fmt.Sprint("max_message_size = ", MaxMessage),
		"log.console.level = warning",
	}
	for name, text := range map[string]string{
		"rabbitmq.conf": strings.Join(lines, "\n") + "\n", "rabbitmq-env.conf": "", "advanced.config": "[].\n", "enabled_plugins": "[].\n",
	} {
		s.check(os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
	}
}
