package door

import (
	"strconv"
	"strings"
	"time"
)

// Headers that calls and answers carry, at every door under these names.
const (
	// PositionHeader carries how far the log was written by an answer, and how far it must be read for a call. Its value is opaque to callers.
	PositionHeader = "Dutyline-Position"
	// KeyHeader carries the idempotency key of a request that is raised.
	KeyHeader = "Idempotency-Key"
	// VersionHeader carries the version of what an answer tells, and MatchHeader the one that a change was made from.
	VersionHeader, MatchHeader = "ETag", "If-Match"
)

const (
	// maxKey is the longest idempotency key in bytes.
	maxKey = 255
	// CatchUp is how long a read waits for the position that it presents.
	CatchUp = 5 * time.Second
)

// ParseKey reads an idempotency key; "" is none.
func ParseKey(text string) (string, error) {
	if len(text) > maxKey {
		return "", NewProblem(CodeUnreadable, "The header "+KeyHeader+" is longer than 255 bytes.")
	}
	return text, nil
}

// FormatPosition writes a position of the log.
func FormatPosition(position uint64) string { return strconv.FormatUint(position, 36) }

// ParsePosition reads what FormatPosition wrote; "" is 0.
func ParsePosition(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	position, err := strconv.ParseUint(text, 36, 64)
	if err != nil {
		return 0, NewProblem(CodeUnreadable, "The header "+PositionHeader+" is not one that was handed out.")
	}
	return position, nil
}

// FormatVersion writes a version as an entity tag (RFC 9110).
func FormatVersion[N int | uint64](version N) string {
	return strconv.Quote(strconv.FormatUint(uint64(version), 10))
}

// ParseVersion reads the one version that a change was made from; it takes 62 bits.
func ParseVersion(text string) (uint64, error) {
	if text == "" {
		return 0, NewProblem(CodeVersionRequired, "")
	}
	version, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(strings.TrimSpace(text), "W/"), `"`), 10, 62)
	if err != nil {
		return 0, NewProblem(CodeVersion, "If-Match must name one version, as the header ETag of what you read does.")
	}
	return version, nil
}
