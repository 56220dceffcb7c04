package notifier_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/dutyline/dutyline/notifier"
)

func TestAPINIsNeverPrinted(t *testing.T) {
	const pin = "835172"
	press := notifier.KeyPress{Key: notifier.KeyTake, PIN: pin, Try: 1}
	encoded, err := json.Marshal(press)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	slog.New(slog.NewTextHandler(&lines, nil)).Info("press", "press", press, "pin", press.PIN)
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(&lines), zapcore.DebugLevel)
	zap.New(core).Info("press", zap.Any("press", press), zap.Stringer("pin", press.PIN), zap.Any("alone", press.PIN))
	all := string(encoded) + lines.String() + fmt.Sprint(press, &press, press.PIN) +
		fmt.Sprintf("%v %+v %#v %s %q %x", press, press, press, press.PIN, press.PIN, press.PIN)
	if strings.Contains(all, pin) || strings.Contains(all, fmt.Sprintf("%x", pin)) {
		t.Errorf("it is in %s", all)
	}
	if strings.Count(all, "***") < 10 {
		t.Errorf("it is not even hidden: %s", all)
	}
}
