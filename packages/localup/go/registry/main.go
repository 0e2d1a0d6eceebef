// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// An OCI registry: the one of the CNCF Distribution project, without the storage of clouds.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"golang.org/x/crypto/bcrypt"
)

// Version is stamped by the linker.
var Version = "unknown"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("registry", Version)
		return
	}
	// What registries compare passwords with, and Node.js cannot make.
	if len(os.Args) == 4 && os.Args[1] == "htpasswd" {
		hash, err := bcrypt.GenerateFromPassword([]byte(os.Args[3]), bcrypt.MinCost)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s:%s\n", os.Args[2], hash)
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("usage: registry CONFIGURATION | htpasswd USER PASSWORD | --version")
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	config, err := configuration.Parse(file)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server, err := registry.NewRegistry(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.ListenAndServe())
}
