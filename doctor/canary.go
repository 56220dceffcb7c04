package doctor

// CanariesOff is the line of a deployment that tests no provider.
func CanariesOff() []Line {
	return []Line{{
		State: Skipped, Detail: "off: nobody would see that a provider confirms texts and delivers none",
		Fix: "set canary.twilio_to or canary.vonage_to to a telephone that answers by itself, as a number of yours at the other provider",
	}}
}

// Canary is the line of a provider that is tested, by the state of its probe: ok, shaky, slow, lost, or unknown.
func Canary(provider, state, detail string) Line {
	line := Line{Name: "canary " + provider, State: Warning, Detail: detail}
	switch state {
	case "ok":
		line.State = Fine
	case "lost":
		line.State = Wrong
		line.Fix = "ask the provider where its texts stay; if they do reach people, look at the probe; pages go through the other provider first, if there is one"
	case "slow":
		line.Fix = "look at the provider's status page"
	case "shaky":
		line.Fix = "one alone is a mishap: look again after the next"
	default:
		line.Fix = "a node sends one by the clock: see whether one runs with this configuration, and look again after the next"
	}
	return line
}
