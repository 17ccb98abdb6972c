package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// build builds the programs of the contenders that take part. root is the
// folder of the repository.
func build(ctx context.Context, root, dir string, list []contender) (programs, error) {
	p := programs{goka: filepath.Join(dir, "goka")}
	var err error
	if p.self, err = os.Executable(); err != nil {
		return p, err
	}
	takesPart := func(name string) bool {
		return slices.ContainsFunc(list, func(c contender) bool { return strings.HasPrefix(c.Name, name) })
	}
	if takesPart("streams") {
		if p.java, err = buildStreams(ctx, root); err != nil {
			return p, err
		}
	}
	if takesPart("goka") {
		err = tool(ctx, filepath.Join(root, "cmd/bench/goka"), "go", "build", "-o", p.goka, ".")
	}
	return p, err
}

func buildStreams(ctx context.Context, root string) ([]string, error) {
	cache := filepath.Join(root, ".cache/streams")
	libs := filepath.Join(cache, "libs-"+kafkaVersion()) // libraries of two versions must not mix
	err := tool(ctx, filepath.Join(root, "cmd/bench/streams"), "mvn", "-q", "-B", "-Dstyle.color=never", "-Dkafka.version="+kafkaVersion(),
		"package", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+libs)
	if err != nil {
		return nil, err
	}
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	return []string{
		java, "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(cache, "streams-1.jar") + ":" + libs + "/*", "App",
	}, nil
}

// tool runs a program that builds something.
func tool(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // names are ours
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s", name, dir, err, out)
	}
	return nil
}

// repository finds the folder of the module that holds the working directory.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
