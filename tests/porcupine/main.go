// Judges a history of calls, one JSON object a line: is every user a compare-and-set register?
//
//	porcupine [-timeout 60s] HISTORY
//
// Exit code 0: every user is. 1: the first one that is not, or that took too long to judge, is printed with its calls.
// 2: there is no history to judge.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// call is one line. Start and End are nanoseconds of one monotonic clock.
type call struct {
	Client   int     `json:"client"`
	Op       string  `json:"op"` // create, read, update or delete
	User     string  `json:"user"`
	Expected int     `json:"expected"` // the version that the write insisted on, or 0
	Version  int     `json:"version"`  // the version seen or written; 0: there is no such user
	Text     *string `json:"text"`     // seen or written; null after a deletion
	Outcome  string  `json:"outcome"`  // ok, conflict, gone or unknown
	Start    int64   `json:"start"`
	End      int64   `json:"end"`
}

// state is the register: a user as the last write left it.
type state struct {
	version int
	live    bool
	text    string
}

func text(c call) string {
	if c.Text == nil {
		return ""
	}
	return *c.Text
}

// next is the state after c's write, if it is made in s.
func next(s state, c call) state {
	if c.Op == "delete" {
		return state{version: s.version + 1}
	}
	return state{version: s.version + 1, live: true, text: text(c)}
}

// takes tells whether a register in s takes c's write.
func takes(s state, c call) bool {
	if c.Op == "create" {
		return s.version == 0
	}
	return s.live && (c.Expected == 0 || c.Expected == s.version)
}

// step is the sequential specification: whether c can have had its outcome in s, and what it leaves.
func step(s state, c call) (bool, state) {
	if c.Op == "read" {
		if c.Version == 0 {
			return !s.live, s
		}
		return s.live && s.version == c.Version && s.text == text(c), s
	}
	switch c.Outcome {
	case "ok":
		return takes(s, c) && s.version+1 == c.Version, next(s, c)
	case "conflict":
		return s.live && c.Expected != s.version, s
	case "gone":
		return !s.live, s
	default: // unknown: made if it still can be, at whatever time
		if takes(s, c) {
			return true, next(s, c)
		}
		return true, s
	}
}

var register = porcupine.Model{
	Init: func() interface{} { return state{} },
	Step: func(s, input, _ interface{}) (bool, interface{}) { return step(s.(state), input.(call)) },
}

func main() {
	timeout := flag.Duration("timeout", time.Minute, "for one user")
	flag.Parse()
	users, err := read(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	calls := 0
	for _, user := range sorted(users) {
		calls += len(users[user])
		switch porcupine.CheckOperationsTimeout(register, operations(users[user]), *timeout) {
		case porcupine.Illegal:
			refuse(user, "is not linearizable", users[user])
		case porcupine.Unknown:
			refuse(user, fmt.Sprintf("could not be judged within %s", *timeout), users[user])
		}
	}
	fmt.Printf("linearizable: %d calls, %d users\n", calls, len(users))
}

func read(path string) (map[string][]call, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	users := map[string][]call{}
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if c.User != "" && (c.Op != "read" || c.Outcome == "ok") { // else nothing is known of anybody
			users[c.User] = append(users[c.User], c)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, fmt.Errorf("%s: no calls", path)
	}
	return users, nil
}

// operations are the calls as Porcupine takes them: one of unknown outcome may be made long after it was given up.
func operations(calls []call) []porcupine.Operation {
	made := make([]porcupine.Operation, 0, len(calls))
	for _, c := range calls {
		end := c.End
		if c.Outcome == "unknown" {
			end = math.MaxInt64
		}
		made = append(made, porcupine.Operation{ClientId: c.Client, Input: c, Call: c.Start, Return: end})
	}
	return made
}

func sorted(users map[string][]call) []string {
	ids := make([]string, 0, len(users))
	for id := range users {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func refuse(user, why string, calls []call) {
	fmt.Printf("user %s %s:\n", user, why)
	sort.Slice(calls, func(i, j int) bool { return calls[i].Start < calls[j].Start })
	for _, c := range calls {
		line, _ := json.Marshal(c)
		fmt.Println(string(line))
	}
	os.Exit(1)
}
