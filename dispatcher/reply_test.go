package dispatcher_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

func TestAReplyForgivesTheWriter(t *testing.T) {
	const (
		ack, pass, busy, take = dispatcher.WishAcknowledge, dispatcher.WishPass, dispatcher.WishBusy, dispatcher.WishTake
		cover, no, who, menu  = dispatcher.WishCover, dispatcher.WishDecline, dispatcher.WishWho, dispatcher.WishMenu
	)
	words := everyWord()
	for text, want := range map[string]dispatcher.Reply{
		"123456":                         {Code: "123456"},
		" 123 456 ":                      {Code: "123456"},
		"ACK 123456":                     {Code: "123456", Wish: ack},
		"ack123456":                      {Code: "123456", Wish: ack},
		"Ack-123456":                     {Code: "123456", Wish: ack},
		"ok, 123-456!":                   {Code: "123456", Extra: 1},
		"pass 123456":                    {Code: "123456", Wish: pass},
		"Pass: 123456.":                  {Code: "123456", Wish: pass},
		"٤٥٦٧٨٩":                         {Code: "456789"},
		"1234567":                        {},
		"on my way":                      {Extra: 3},
		"":                               {},
		"7k4m-2qx9-d 123456":             {Code: "123456", Ref: "7K4M2QX9D"},
		"123456 pass 7K4M2QX9D":          {Code: "123456", Ref: "7K4M2QX9D", Wish: pass},
		"12345":                          {},
		"123456 and 654321":              {Code: "123456", Extra: 1},
		"the password is not pass 12345": {Wish: pass, Extra: 4},

		// Whoever cannot must not be taken for somebody who will.
		"sorry, busy 123456":           {Code: "123456", Wish: busy, Extra: 1},
		"ack 123456 ... no wait, pass": {Code: "123456", Wish: pass, Extra: 2},
		"PASS 123456, I am busy":       {Code: "123456", Wish: busy, Extra: 2},
		"123456 no":                    {Code: "123456", Wish: no},
		"sorry, no 123456":             {Code: "123456", Extra: 2},

		// A command begins the text.
		"WHO":                   {Wish: who},
		"who?":                  {Wish: who},
		"Who is on duty?":       {Wish: who, Extra: 3},
		"I know who":            {Extra: 3},
		"help":                  {Wish: menu},
		"info":                  {Wish: menu},
		"Take":                  {Wish: take},
		"TAKE 123456":           {Code: "123456", Wish: take},
		"I take 123456":         {Code: "123456", Extra: 2},
		"COVER me":              {Wish: cover, Extra: 1},
		"cover 12 34 56 please": {Code: "123456", Wish: cover, Extra: 1},

		// Other alphabets, with what their keyboards and our own texts leave around a word.
		"\u200fمناوبة ١٢٣٤٥٦\u200f":       {Code: "123456", Wish: take},
		"\u2067مناوبه 123456\u2069":       {Code: "123456", Wish: take},
		"إحالة ١٢٣٤٥٦":                    {Code: "123456", Wish: pass},
		"احالة۱۲۳۴۵۶":                     {Code: "123456", Wish: pass},
		"مـشـغـول 123456":                 {Code: "123456", Wish: busy},
		"المُناوب؟":                       {Wish: who},
		"接班":                              {Wish: take},
		"接班123456":                        {Code: "123456", Wish: take},
		"１２３４５６忙":                         {Code: "123456", Wish: busy},
		"不，123456":                        {Code: "123456", Wish: no},
		"ＰＡＳＳ　１２３４５６":                     {Code: "123456", Wish: pass},
		"занят 123456":                    {Code: "123456", Wish: busy},
		"меню":                            {Wish: menu},
		"Occupe\u0301 123456":             {Code: "123456", Wish: busy},
		"relève":                          {Wish: cover},
		"quién":                           {Wish: who},
		"1\ufe0f\u20e32\ufe0f\u20e33456 ": {Extra: 1}, // keycaps are marks upon digits: too clever
	} {
		if got := dispatcher.ParseReply(text, words); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestTheEnglishWordsCountWithoutAnyLanguage(t *testing.T) {
	for _, wish := range dispatcher.Wishes {
		if got := dispatcher.ParseReply(strings.ToUpper(string(wish)), nil); got.Wish != wish {
			t.Errorf("%s is read as %+v", wish, got)
		}
	}
}

// Carriers act on these words and never hand them on, or answer them themselves; the last ones in French and Spanish.
var carriersWords = []string{
	"STOP", "STOPALL", "CANCEL", "END", "QUIT", "UNSUBSCRIBE", "REVOKE", "OPTOUT", "START", "YES", "UNSTOP", "HELP", "INFO",
	"ARRET", "AIDE", "AYUDA", "ALTO", "BAJA", "FIN", "PARAR", "SI", "OUI",
}

func TestEveryLanguageHasItsOwnWordForEachCommandAndNoneMeansTwoThings(t *testing.T) {
	words := everyWord()
	reads := func(text string) dispatcher.Wish { return dispatcher.ParseReply(text, words).Wish }
	all := map[string]dispatcher.Wish{} // as somebody writes it → what it means
	for name, list := range phrase.Commands() {
		if !slices.Contains(dispatcher.Wishes, dispatcher.Wish(name)) {
			t.Errorf("there are words for %s, which is no command", name)
		}
		for _, word := range list {
			all[word] = dispatcher.Wish(name)
			if slices.Contains(carriersWords, strings.ToUpper(word)) {
				t.Errorf("%s keeps %s from arriving", "a carrier", word)
			}
			for _, written := range []string{word, strings.ToLower(word), " " + word + "!", word + "123456", word + " 123456", "123456 " + word} {
				if got := reads(written); got != dispatcher.Wish(name) {
					t.Errorf("%q means %q, want %q", written, got, name)
				}
			}
		}
	}
	for word, wish := range all { // so that nothing can be cut off, or glued on, that turns one command into another
		for other, means := range all {
			if wish != means && strings.HasPrefix(strings.ToUpper(other), strings.ToUpper(word)) {
				t.Errorf("%s (%s) begins like %s (%s)", other, means, word, wish)
			}
		}
	}
	for _, l := range phrase.Languages {
		menu := phrase.Text(l, phrase.Menu, phrase.Args{})
		for _, wish := range dispatcher.Wishes {
			told := strings.Fields(phrase.Text(l, phrase.Key("command_"+string(wish)), phrase.Args{}))
			if len(told) == 0 {
				t.Errorf("%s has no word for %s", l, wish)
			} else if wish != dispatcher.WishAcknowledge && wish != dispatcher.WishMenu && !strings.Contains(menu, told[0]) {
				t.Errorf("%s: %q does not say %s", l, menu, told[0])
			}
		}
	}
}

func TestTheOfficersPageTellsTheWordsOfEveryLanguage(t *testing.T) {
	page, err := os.ReadFile("../docs/officers.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, line)
		}
	}
	for _, wish := range dispatcher.Wishes {
		var told []string
		for _, l := range phrase.Languages {
			told = append(told, strings.Fields(phrase.Text(l, phrase.Key("command_"+string(wish)), phrase.Args{}))[0])
		}
		if !slices.ContainsFunc(rows, func(row string) bool {
			return !slices.ContainsFunc(told, func(word string) bool { return !strings.Contains(row, " "+word+" ") })
		}) {
			t.Errorf("no row tells %s as %v", wish, told)
		}
	}
}

// What asks names a request and has a code; a machine sends it back, and a telephone does on which somebody liked it.
func TestATextOfOursThatComesBackTakesNothingInAnyLanguage(t *testing.T) {
	words := everyWord()
	ref := request.Ref("7K4M2QX9D")
	for _, l := range phrase.Languages {
		args := phrase.Args{
			Reference: ref.String(), Urgency: "emergency", Language: "fr", Code: "123456", CallSign: "HERON", Roster: "national",
			From: "2026-03-29 08:00 CEST", Until: "2026-03-29 20:00 CEST", Open: 1, Requests: []string{ref.String()},
		}
		texts := map[string]string{}
		for _, key := range []phrase.Key{phrase.Ask, phrase.Key("sms_cover"), phrase.HandoverOut, phrase.HandoverIn, phrase.Test} {
			texts[string(key)] = phrase.Text(l, key, args)
		}
		for _, kind := range request.AlarmKinds {
			args.Alarm = string(kind)
			texts["alarm "+string(kind)] = phrase.Text(l, phrase.Alarm, args)
		}
		item := phrase.Item(l, args)
		texts["together"] = phrase.Text(l, phrase.Together, phrase.Args{Open: 2, Items: []string{item, item}})
		for what, text := range texts {
			for _, sent := range []string{text, "Liked “" + text + "”", "> " + text + "\n> --"} {
				if got := dispatcher.ParseReply(sent, words); got.Code != "" && !got.Quoted() && !got.Wish.Refuses() {
					t.Errorf("%s, %s: %q is read as %+v", l, what, sent, got)
				}
			}
		}
	}
	for _, text := range []string{
		"123456", "take 123456 7K4M-2QX9-D", "I take it: 7K4M-2QX9-D 123456", "7K4M2QX9D 123456 收到", "123456 sorry for the late answer, I was asleep",
	} {
		if got := dispatcher.ParseReply(text, words); got.Quoted() || got.Code != "123456" {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
