package main

// globals are the flags of every command.
type globals struct {
	URL       string `name:"url" placeholder:"URL" help:"Server to call (else DUTYLINE_URL, else client.json of the data directory)."`
	TokenFile string `name:"token-file" placeholder:"FILE" help:"File with the token to call with (else DUTYLINE_TOKEN or DUTYLINE_TOKEN_FILE, else client.json)."`
	JSON      bool   `name:"json" help:"Print the result as JSON: one document, or one a line where it streams."`
}

// A grammar is the whole command line.
type grammar struct {
	globals

	Run       runCommand       `cmd:"" help:"Run everything in one process, with a simulated telephone network."`
	Demo      demoCommand      `cmd:"" help:"Play one night, from a request to its acknowledgement, and tell it."`
	Simulate  simulateCommand  `cmd:"" help:"Play many nights with faults, and look for one that goes wrong."`
	Serve     serveCommand     `cmd:"" help:"Run a node of a production deployment."`
	Request   requestCommand   `cmd:"" help:"Raise requests and follow them."`
	Roster    rosterCommand    `cmd:"" help:"See and edit who is on duty."`
	Log       logCommand       `cmd:"" help:"Read what happened, event by event."`
	Alarm     alarmCommand     `cmd:"" help:"See the alarms that stand."`
	Page      pageCommand      `cmd:"" help:"Test the telephones of people."`
	Canary    canaryCommand    `cmd:"" help:"See whether the texts that test the providers come back, and how fast."`
	Handover  handoverCommand  `cmd:"" help:"See the handovers of open requests at the end of shifts."`
	Sender    senderCommand    `cmd:"" help:"Say who may raise requests."`
	Token     tokenCommand     `cmd:"" help:"Let people in, and turn them away."`
	Health    healthCommand    `cmd:"" help:"Ask a server how it is."`
	Doctor    doctorCommand    `cmd:"" help:"Look at a deployment, and say what to mend before somebody needs it."`
	Twiliosim twiliosimCommand `cmd:"" help:"Run the simulated telephone network alone."`
	Bench     benchCommand     `cmd:"" help:"Measure this machine against the promises."`
	Version   versionCommand   `cmd:"" help:"Say which version this is."`
}
