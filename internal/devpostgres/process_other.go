//go:build !linux

package devpostgres

import "syscall"

// endWithParent can do nothing: the next Start stops the orphan.
func endWithParent(*syscall.SysProcAttr) {}
