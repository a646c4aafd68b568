package main

import (
	"fmt"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/temporal"
)

func main() {
	s := uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{}))
	t, err := temporal.NewServer()
	fmt.Println(s, t, err, sqlite.PluginName)
}
