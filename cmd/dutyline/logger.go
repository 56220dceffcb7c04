package main

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/dutyline/dutyline/config"
)

// newLogger logs to standard error: for people on a terminal, as JSON for programs, unless the configuration says which.
func newLogger(l config.Log, c *console) *zap.Logger {
	level, err := zapcore.ParseLevel(l.Level)
	if err != nil { // config.Validate has refused it before
		level = zapcore.InfoLevel
	}
	settings := zap.NewProductionEncoderConfig()
	settings.TimeKey = "time"
	settings.EncodeTime = func(t time.Time, out zapcore.PrimitiveArrayEncoder) {
		out.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	settings.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(settings)
	if l.Format == "console" || (l.Format == "auto" && c.errTerminal) {
		if c.errTerminal && c.getenv("NO_COLOR") == "" {
			settings.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		encoder = zapcore.NewConsoleEncoder(settings)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(c.err)), level))
}
