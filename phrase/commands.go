package phrase

import "strings"

// The answers to commands about the duty. Every one fits two segments in every language, but for a list of several rosters.
const (
	Menu         Key = "sms_menu"
	Who          Key = "sms_who"         // {roster} {now} {until} {next}, a line for each roster
	WhoLast      Key = "sms_who_last"    // {roster} {now} {until}: nobody is known to be next
	WhoGap       Key = "sms_who_gap"     // {roster} {until} {next}: nobody is on duty now
	WhoNobody    Key = "sms_who_nobody"  // {roster}: nobody, now or later
	WhoAlways    Key = "sms_who_always"  // {roster} {now}: no end is known
	TakeOffer    Key = "sms_take_offer"  // {roster} {now} {until} {code}: take the duty of somebody, from now on
	TakeGap      Key = "sms_take_gap"    // {roster} {until} {code}: nobody has it
	TookOver     Key = "sms_took_over"   // {roster} {until}
	OnDuty       Key = "sms_on_duty"     // {roster} {until}: already
	CannotTake   Key = "sms_cannot_take" // away, or not active
	CoverOffer   Key = "sms_cover_offer" // {roster} {from} {until} {code}: ask others for cover
	CoverAsked   Key = "sms_cover_asked" // {roster} {from} {until}
	CoverOpen    Key = "sms_cover_open"  // {roster} {from} {until}: it was asked for before
	NoDuty       Key = "sms_no_duty"     // there is none to cover
	CodeOver     Key = "sms_code_over"   // of TAKE or COVER: wrong, or too old
	CoverIsYours Key = "sms_cover_yours" // {reference} {roster} {from} {until}
	CoverOver    Key = "sms_cover_over"  // {reference}: nobody has to take it any more
	Declined     Key = "sms_declined"

	Cover        Key = "sms_cover"         // {reference} {call_sign} {roster} {from} {until} {code}: take this duty for a colleague
	CoverTaken   Key = "sms_cover_taken"   // {reference} {call_sign} {roster} {from} {until}: to who asked
	CoverExpired Key = "sms_cover_expired" // {reference} {call_sign} {roster} {from} {until}: to who asked, and to coordinators
)

// Commands lists the words that people may write for each command of a text, in all languages, by the name of the command: pass. The first of a
// language is the one that its people are told.
func Commands() map[string][]string {
	commands := map[string][]string{}
	for _, l := range Languages {
		for key, text := range words[l] {
			if name, ok := strings.CutPrefix(string(key), "command_"); ok {
				commands[name] = append(commands[name], strings.Fields(text)...)
			}
		}
	}
	return commands
}
