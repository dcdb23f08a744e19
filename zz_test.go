package drillrun_test
import (
 _ "github.com/Shopify/toxiproxy/v2"
 _ "github.com/jackc/pgx/v5/pgxpool"
 _ "github.com/jackc/tern/v2/migrate"
 _ "github.com/redis/go-redis/v9"
 _ "github.com/stretchr/testify/require"
 _ "github.com/rogpeppe/go-internal/testscript"
 _ "go.uber.org/goleak"
 _ "pgregory.net/rapid"
 _ "golang.org/x/tools/txtar"
 _ "github.com/spf13/cobra"
 _ "github.com/prometheus/client_golang/prometheus/promhttp"
 _ "golang.org/x/sync/errgroup"
 _ "golang.org/x/sys/unix"
 _ "golang.org/x/term"
 _ "github.com/rs/zerolog"
)
