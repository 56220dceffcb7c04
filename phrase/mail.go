package phrase

// What e-mails say. An e-mail goes beside the telephone and is answered by nothing: it names no code.
const (
	MailAskSubject       Key = "mail_ask_subject" // {urgency} {reference} {language}
	MailAsk              Key = "mail_ask"         // {urgency} {reference} {language}: a request is waiting
	MailAlarmSubject     Key = "mail_alarm_subject"
	MailAlarm            Key = "mail_alarm" // {reference} {alarm}: an alarm is waiting
	MailWithdrawnSubject Key = "mail_withdrawn_subject"
)
