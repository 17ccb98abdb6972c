package eventim

// Names of the headers of records, for programs that read the topics without
// this package, or look at a Record before they decode it. They are attributes
// of CloudEvents 1.0 in binary mode, and extensions of it, which begin with ce_
// as well. Values are text: numbers in digits, times of RFC 3339. A header
// without a value is left out. No name changes, nor what it means.
const (
	HeaderSpecVersion = headerSpecVersion // 1.0
	HeaderID          = headerID          // of a command, its id; of an event or a snapshot, aggregate and version
	HeaderType        = headerType        // wire name of the payload; of a result, CommandAccepted and so on
	HeaderSource      = headerSource      // "/", the aggregate's name, "/" and the kind of record
	HeaderSubject     = headerSubject     // the aggregate, as the key
	HeaderTime        = headerTime        // of a command, the sender's; of anything else, when the broker got the command
	HeaderContentType = headerContentType // application/json

	HeaderSchemaVersion   = headerSchemaVersion   // of the payload; not of results
	HeaderVersion         = headerVersion         // of the aggregate; not of commands
	HeaderExpectedVersion = headerExpectedVersion // of a command: Command.Expected
	HeaderRevision        = headerRevision        // of a snapshot: Snapshot.Revision

	HeaderCommandID     = headerCommandID     // what the handler writes: the command that caused it
	HeaderCommandOffset = headerCommandOffset // as above: where that stands; its partition is that of the record
	HeaderReplay        = headerReplay        // of a result: "true" when it repeats the first answer to its id
	HeaderForNow        = headerForNow        // of a result: "true" when its command takes up no id

	HeaderBegins    = headerBegins    // of a message in an inbox: "true" when it begins an instance that there is not
	HeaderRelease   = headerRelease   // as above, of an order to release an instance: the Release
	HeaderMessageID = headerMessageID // of an instance: the Message that it is written because of; HeaderTime is then its time

	HeaderOrigin      = headerOrigin      // Metadata.Origin
	HeaderActor       = headerActor       // Metadata.Actor
	HeaderCorrelation = headerCorrelation // Metadata.Correlation
	HeaderCausation   = headerCausation   // Metadata.Causation
	HeaderTraceparent = headerTraceparent // Metadata.Traceparent
)
