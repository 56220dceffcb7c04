package archtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/config"
)

// tree is the repository.
var tree = os.DirFS(root)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := fs.ReadFile(tree, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func exists(name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// papers are README.md and everything below docs.
func papers(t *testing.T) []string {
	t.Helper()
	var names []string
	err := eachFile(func(name string) error {
		if path.Ext(name) == ".md" {
			names = append(names, name)
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no papers found: %v", err)
	}
	return names
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	link    = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	quoted  = regexp.MustCompile("`([^`\n]+)`")
	aPath   = regexp.MustCompile(`^\.?[\w-]+(/[\w.-]+)+/?$|^[\w.-]+\.(md|yml|yaml)$`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	aPaper  = regexp.MustCompile(`\bdocs/[\w./-]+\.md\b`)
)

func TestPapersReferToWhatIsThere(t *testing.T) {
	for _, name := range papers(t) {
		text := fence.ReplaceAllString(read(t, name), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if trouble := broken(t, name, m[1]); trouble != "" {
				t.Errorf("%s: link to %s: %s", name, m[1], trouble)
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			if isOurPath(m[1]) && !exists(strings.TrimSuffix(m[1], "/")) && !exists(path.Join(path.Dir(name), m[1])) {
				t.Errorf("%s: names %s, which is not there", name, m[1])
			}
		}
	}
}

// broken says what is wrong with a link, "" when nothing is. Other people's pages are not asked.
func broken(t *testing.T, paper, target string) string {
	t.Helper()
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	name, anchor, _ := strings.Cut(target, "#")
	name = path.Join(path.Dir(paper), name)
	if strings.HasPrefix(target, "#") {
		name = paper
	}
	if !exists(name) {
		return "there is no such file"
	}
	if anchor == "" {
		return ""
	}
	for _, h := range heading.FindAllStringSubmatch(read(t, name), -1) {
		if slug(h[1]) == anchor {
			return ""
		}
	}
	return "the page has no such heading"
}

// slug is the anchor that forges make of a heading.
func slug(text string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case strings.ContainsRune("`.,:;!?'\"()[]/*&+…→", r):
			return -1
		}
		return r
	}, strings.ToLower(text))
	return kept
}

// isOurPath reports whether a quoted text names a file or folder of the repository, as against an address, a key or something made at run time.
func isOurPath(text string) bool {
	if !aPath.MatchString(text) {
		return false
	}
	first, _, nested := strings.Cut(text, "/")
	if slices.Contains(made, first) {
		return false
	}
	return !nested || exists(first) || strings.HasPrefix(path.Ext(text), ".go")
}

func TestFilesReferToPapersThatAreThere(t *testing.T) {
	err := eachFile(func(name string) error {
		if path.Base(name) == "go.sum" || path.Ext(name) == ".md" {
			return nil
		}
		for _, m := range aPaper.FindAllString(read(t, name), -1) {
			if !exists(m) {
				t.Errorf("%s: names %s, which is not there", name, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDecisionsAreNumberedAndWhole wants every decision to have the three parts, and no number to be missing or taken twice.
func TestDecisionsAreNumberedAndWhole(t *testing.T) {
	names, err := fs.Glob(tree, "docs/decisions/*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	for i, name := range names {
		if want := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(path.Base(name), want) {
			t.Errorf("%s: its number should be %s: numbers have no gap and none is taken twice", name, want)
		}
		for _, part := range []string{"## Context", "## Choice", "## Consequences"} {
			if !strings.Contains(read(t, name), "\n"+part+"\n") {
				t.Errorf("%s: the part %q is missing", name, part)
			}
		}
	}
}

var (
	target = regexp.MustCompile(`(?m)^([a-z][a-z-]*):(.*)$`)
	phony  = regexp.MustCompile(`(?m)^\.PHONY: (.*)$`)
)

func TestMakefileExplainsEveryTarget(t *testing.T) {
	makefile := read(t, "Makefile")
	var targets []string
	for _, m := range target.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
		if !regexp.MustCompile(`## \S`).MatchString(m[2]) {
			t.Errorf("Makefile: %s has no help line: write ## and what it does behind it", m[1])
		}
	}
	declared := strings.Fields(strings.Join(phony.FindStringSubmatch(makefile)[1:], " "))
	slices.Sort(targets)
	slices.Sort(declared)
	if len(targets) < 10 || !slices.Equal(targets, declared) {
		t.Errorf("Makefile: its targets are %v, .PHONY has %v", targets, declared)
	}
}

var variable = regexp.MustCompile(`(?m)^ +(DUTYLINE_\w+): (.*)$`)

// TestExampleConfigurationServes loads what docker-compose.yml mounts, with the variables that it sets.
func TestExampleConfigurationServes(t *testing.T) {
	var environ []string
	for _, m := range variable.FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		value := strings.NewReplacer("${TWILIO_AUTH_TOKEN:-", "", "}", "").Replace(m[2])
		if strings.HasSuffix(m[1], "_FILE") {
			value = filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(value, []byte(strings.Repeat("0f", 32)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		environ = append(environ, m[1]+"="+value)
	}
	c, err := config.Load(filepath.Join(root, "deploy", "dutyline.yaml"), environ)
	if err = errors.Join(err, c.Validate(true)); err != nil || len(environ) == 0 {
		t.Errorf("with %d variables: %v", len(environ), err)
	}
	// And with all that it only proposes.
	whole := filepath.Join(t.TempDir(), "dutyline.yaml")
	proposed := regexp.MustCompile(`(?m)^( *)# ( *[a-z_]+:(?: .*)?)$`).ReplaceAllString(read(t, "deploy/dutyline.yaml"), "$1$2")
	if err := os.WriteFile(whole, []byte(proposed), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"VONAGE_API_SECRET", "VONAGE_PRIVATE_KEY", "VONAGE_SIGNATURE_SECRET", "MAIL_PASSWORD"} {
		environ = append(environ, "DUTYLINE_"+secret+"=x")
	}
	c, err = config.Load(whole, environ)
	if err = errors.Join(err, c.Validate(true)); err != nil || !c.Vonage.Configured() || c.Mail.Host == "" || c.Canary.TwilioTo == "" {
		t.Errorf("with what it proposes: %v", err)
	}
}
