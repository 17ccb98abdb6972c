package main

import (
	"cmp"
	"os"
)

// newestKafka is the version that .ci/kafka and streams have in their pom.xml.
const newestKafka = "4.4.0"

// kafkaVersion is that of the broker and of Kafka Streams: KAFKA_VERSION names
// another one.
func kafkaVersion() string { return cmp.Or(os.Getenv("KAFKA_VERSION"), newestKafka) }
