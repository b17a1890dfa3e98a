// The only image of the real node, which has no registry: it is the pause image of pods, and lets tests look up names
// and send requests from inside a pod.
//
//	toolbox                  wait for SIGTERM and reap orphaned processes
//	toolbox lookup NAME      the addresses of a name, one a line
//	toolbox get URL          the body of an HTTP answer
//	toolbox serve PORT TEXT  answer every HTTP request with TEXT
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	verb := append(os.Args[1:], "wait")[0]
	switch {
	case verb == "wait":
		wait()
	case verb == "lookup" && len(os.Args) == 3:
		lookup(os.Args[2])
	case verb == "get" && len(os.Args) == 3:
		get(os.Args[2])
	case verb == "serve" && len(os.Args) == 4:
		serve(os.Args[2], os.Args[3])
	default:
		fail(fmt.Errorf("expected wait, lookup NAME, get URL or serve PORT TEXT, got %q", os.Args[1:]))
	}
}

func wait() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}

func lookup(name string) {
	addresses, err := net.LookupHost(name)
	fail(err)
	for _, address := range addresses {
		fmt.Println(address)
	}
}

func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	fail(err)
	_, err = io.Copy(os.Stdout, response.Body)
	fail(err)
}

func serve(port, text string) {
	answer := func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(writer, text) }
	fail(http.ListenAndServe(":"+port, http.HandlerFunc(answer)))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
