package web_test

import (
	"fmt"
	"testing"
)

// awaitRebuild waits until the rebuild of a view is in a state, and compared.
func (n *node) awaitRebuild(view, state string) reply {
	n.t.Helper()
	var got reply
	eventually(n.t, func() bool {
		got = n.get("/api/operations/views/" + view + "/rebuild")
		return got.status == 200 && got.json("state") == state && got.json("comparison") != nil
	}, func() string { return fmt.Sprintf("the rebuild of %s is %s, want it %s", view, got.text, state) })
	return got
}

// listed is a system whose view of invoices has one.
func listed(t *testing.T) (*system, *node) {
	t.Helper()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.eventually("/api/invoices/inv-1", "id", "inv-1")
	return s, n
}

// An operator builds a view anew, swaps it, takes that back, and throws it away.
func TestAViewIsRebuiltOverHTTP(t *testing.T) {
	t.Parallel()
	_, n := listed(t)

	const path = "/api/operations/views/invoice_list/rebuild"
	n.get(path).want(t, 404, "code", "rebuild_not_found")
	n.do("POST", path+"/swap", "").want(t, 404, "code", "rebuild_not_found")
	n.do("POST", "/api/operations/views/nothing/rebuild", "").want(t, 503, "code", "view_missing")
	n.do("POST", path+"?rate=5000&graceSeconds=60", "").want(t, 200, "state", "asked", "rate", 5000.0)
	n.do("POST", path, "").want(t, 409, "code", "rebuild_state")
	built := n.awaitRebuild("invoice_list", "built")
	if partitions, _ := built.json("partitions").([]any); len(partitions) != 3 {
		t.Errorf("it has no progress by partition: %s", built.text)
	}
	n.do("POST", path+"/rollback", "").want(t, 409, "code", "rebuild_state")
	n.do("POST", path+"/pause", "").want(t, 200, "paused", true)
	n.do("POST", path+"/swap", "").want(t, 409, "code", "rebuild_state")
	n.do("POST", path+"/resume", "").want(t, 200, "paused", false)
	eventually(t, func() bool { return n.do("POST", path+"/swap", "").status == 200 }, func() string { return n.get(path).text })
	n.awaitRebuild("invoice_list", "swapped")
	n.do("POST", path+"/rollback", "").want(t, 200, "state", "built")
	n.do("POST", path+"/compare", "").want(t, 200)
	n.awaitRebuild("invoice_list", "built")
	n.do("POST", path+"/cancel", "").want(t, 200, "state", "canceled")
	n.do("POST", path+"/cancel", "").want(t, 404)
	n.get("/api/invoices/inv-1").want(t, 200)
	shown := n.get("/api/operations/views")
	if all, _ := shown.json("views").([]any); len(all) != 3 {
		t.Errorf("the views are %s", shown.text)
	}
}

// What differs is shown, and not swapped unless that is accepted.
func TestARebuildThatDiffersIsShown(t *testing.T) {
	t.Parallel()
	s, n := listed(t)
	if _, err := s.pool.Exec(t.Context(), `update `+s.listTable()+` set customer_name = 'Somebody else'`); err != nil {
		t.Fatal(err)
	}
	const path = "/api/operations/views/invoice_list/rebuild"
	n.do("POST", path+"?swapWhenEqual=true", "").want(t, 200)
	found := n.awaitRebuild("invoice_list", "built")
	tables, _ := found.json("comparison", "tables").([]any)
	if len(tables) != 1 {
		t.Fatalf("compared are %s", found.text)
	}
	if rows, _ := dig(tables[0], "differences").([]any); len(rows) != 1 || dig(rows[0], "key") != "(inv-1)" {
		t.Errorf("the differences are %v", rows)
	}
	n.do("POST", path+"/swap", "").want(t, 409, "code", "rebuild_differs")
	n.do("POST", path+"/swap?despiteDifferences=true", "").want(t, 200, "state", "swapped")
}
