package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// installation was made by the first version: the data directory of a development program that had been interrupted, and
// the dump of its database. People had made 68 invoices, some under ids and names that are refused today. Seven partitions
// hold a result with the version of another invoice (one idempotency key for several invoices), one an unsendable command id
// of 6,000 characters at which the view command_result stood still.
const installation = "testdata/installation.tar.gz"

// madeAt is when installation was made, in Unix milliseconds.
const madeAt = 1_795_719_616_000

func TestInstallationOfTheVersionBeforeComesUp(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	unpack(t, dir)
	rejuvenate(t, filepath.Join(dir, "kafka"), time.Since(time.UnixMilli(madeAt)))
	address := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	dump, err := os.ReadFile(filepath.Join(dir, "postgres.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), string(dump)); err != nil {
		t.Fatalf("load the database: %v", err)
	}
	// The topic of results has forgotten this one, and the view has not.
	if _, err := conn.Exec(t.Context(), `insert into command_result_v1.command_result
		values ('of-last-week', 'inv-1', 'accepted', 1, '', '', '', now() - interval '7 days', 0, 0, '{}')`); err != nil {
		t.Fatal(err)
	}
	before := invoicesOf(t, conn)
	if len(before) != 64 {
		t.Fatalf("the installation has %d invoices, want 64", len(before))
	}

	c := start(t, dir, "--postgres", address)
	for _, inv := range before {
		settle(t, c, inv)
	}
	// What the version before refused, since another invoice had the key, can be made.
	var made []string
	for i := range 24 {
		status, answer := c.ask(t, http.MethodPost, fmt.Sprintf("/api/invoices/p-%d/commands/CreateInvoice", i+1), creation("Acme"))
		if status != http.StatusOK && status != http.StatusPreconditionFailed {
			t.Errorf("create invoice p-%d: got %d %s, want 200, or 412 where it is there", i+1, status, answer)
		}
		if status == http.StatusOK {
			made = append(made, between(t, answer, `"commandId":"`, `"`))
		}
	}
	awaitResults(t, conn, append(made, "of-last-week"))
	c.want(t, http.MethodGet, "/api/invoices/inv-1/commands/of-last-week", "", `"outcome":"accepted"`)
	for _, inv := range invoicesOf(t, conn) {
		if inv.version < before[inv.id].version {
			t.Errorf("invoice %s: the view went back from version %d to %d", inv.id, before[inv.id].version, inv.version)
		}
	}
	awaitNumbers(t, conn, before)
}

// awaitNumbers waits until what was sent today has its number, and wants what was sent
// by the version before to have none.
func awaitNumbers(t *testing.T, conn *pgx.Conn, before map[string]listed) {
	t.Helper()
	var drafts, others []string
	for id, inv := range before {
		if inv.status == "draft" {
			drafts = append(drafts, id)
		} else {
			others = append(others, id)
		}
	}
	var today, ofBefore, series int
	childtest.Eventually(t, func() bool {
		if err := conn.QueryRow(t.Context(), `
			select count(*) filter (where id = any($1)), count(*) filter (where id = any($2)), (select count(*) from public.number_series)
			from public.invoice_list where invoice ->> 'number' is not null`, drafts, others).Scan(&today, &ofBefore, &series); err != nil {
			t.Fatal(err)
		}
		if ofBefore > 0 {
			t.Fatalf("%d invoices that were sent by the version before have got numbers", ofBefore)
		}
		return len(drafts) > 0 && today == len(drafts) && series == today
	}, func() string {
		return fmt.Sprintf("%d of %d invoices that were sent today have their numbers, and the series have given %d", today, len(drafts), series)
	})
}

// awaitResults waits until the view of results has come as far as those of the commands with these ids, in whichever
// partitions they are.
func awaitResults(t *testing.T, conn *pgx.Conn, ids []string) {
	t.Helper()
	var there int
	childtest.Eventually(t, func() bool {
		if err := conn.QueryRow(t.Context(), `select count(*) from public.command_result where command_id = any($1)`, ids).Scan(&there); err != nil {
			t.Fatal(err)
		}
		return there == len(ids)
	}, func() string { return fmt.Sprintf("the view has %d of %d results", there, len(ids)) })
}

// listed is an invoice as a view shows it.
type listed struct {
	id, status, customer string
	version              int64
}

func invoicesOf(t *testing.T, conn *pgx.Conn) map[string]listed {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select id, status, customer_name, version from public.invoice_list where status <> 'deleted'`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]listed{}
	var inv listed
	if _, err := pgx.ForEachRow(rows, []any{&inv.id, &inv.status, &inv.customer, &inv.version}, func() error {
		found[inv.id] = inv
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// settle looks at an invoice of the version before and pays what is left of it.
func settle(t *testing.T, c *child, inv listed) {
	t.Helper()
	path := "/api/invoices/" + url.PathEscape(inv.id)
	name, err := json.Marshal(inv.customer)
	if err != nil {
		t.Fatal(err)
	}
	answer := c.want(t, http.MethodGet, path, "", fmt.Sprintf(`"version":%d`, inv.version), `"name":`+string(name))
	if inv.status == "draft" {
		c.want(t, http.MethodPost, path+"/commands/SendInvoice", `{}`, `"outcome":"accepted"`)
	}
	if inv.status == "paid" {
		return
	}
	c.want(t, http.MethodPost, path+"/commands/ReceivePayment",
		`{"amount":`+balanceOf(t, answer)+`,"date":"`+time.Now().UTC().Format(time.DateOnly)+`"}`, `"outcome":"accepted"`, `"paid"`)
}

// balanceOf finds what is left to pay in the answer to a request for an invoice.
func balanceOf(t *testing.T, answer string) string {
	t.Helper()
	return `{` + between(t, answer, `"balance":{`, `}`) + `}`
}

func unpack(t *testing.T, dir string) {
	t.Helper()
	file, err := os.Open(installation)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = writeFile(path, archive)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func writeFile(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	content, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// rejuvenate moves the times of all records, so that none is past its retention whenever the test runs, and marks the
// broker's data as dirty, so that it makes the indexes anew.
func rejuvenate(t *testing.T, broker string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(broker, "dirty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(broker, "log", "partitions", "*", "*.dat"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments below %s: found %d, %v", broker, len(segments), err)
	}
	for _, path := range segments {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for b := raw; len(b) > 0; b = b[12+binary.BigEndian.Uint32(b[8:]):] {
			later(b[:12+binary.BigEndian.Uint32(b[8:])], age)
		}
		if err := errors.Join(os.WriteFile(path, raw, 0o600), os.Remove(strings.TrimSuffix(path, ".dat")+".idx")); err != nil {
			t.Fatal(err)
		}
	}
}

// later moves the first and the last time of a record batch, and mends its checksum.
func later(batch []byte, by time.Duration) {
	for _, at := range []int{27, 35} {
		binary.BigEndian.PutUint64(batch[at:], binary.BigEndian.Uint64(batch[at:])+uint64(by.Milliseconds()))
	}
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
}
