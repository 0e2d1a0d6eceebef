// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// Command wirenames prints how the built-in kinds of Kubernetes lie in protobuf: for each message its fields by number, with the name that
// each has in JSON and what it holds. packages/apiserver/src/protobuf/kinds.ts is what it printed:
//
//	go run ./wirenames > ../../apiserver/src/protobuf/kinds.ts
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

type table struct {
	// Number of the message of a kind, by apiVersion and kind.
	Kinds map[string]map[string]int `json:"kinds"`
	// Fields by number: NAME, a colon, `?` if JSON leaves out its zero value, `[` or `{` for lists and maps, then what it holds: the number of a
	// message, or a letter. A field without a name is part of its parent in JSON.
	Messages []map[string]string `json:"messages"`
}

const source = `// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** How built-in kinds lie in protobuf, as JSON; made by packages/localup/go/wirenames, which says how to read it. */
export const kindsTable =
  '%s';
`

// Types whose JSON is not that of their fields.
var letters = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():                                "t",
	reflect.TypeFor[metav1.MicroTime]():                           "u",
	reflect.TypeFor[metav1.Duration]():                            "n",
	reflect.TypeFor[resource.Quantity]():                          "q",
	reflect.TypeFor[intstr.IntOrString]():                         "x",
	reflect.TypeFor[runtime.RawExtension]():                       "r",
	reflect.TypeFor[metav1.FieldsV1]():                            "r",
	reflect.TypeFor[apiextensions.JSON]():                         "r",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       "A",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        "B",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): "S",
}

var (
	stable    = regexp.MustCompile(`^v\d+$`)
	marshaler = reflect.TypeFor[interface{ Marshal() ([]byte, error) }]()
	numbers   = map[reflect.Type]int{}
	result    = table{Kinds: map[string]map[string]int{}}
)

func main() {
	must(apiextensions.AddToScheme(scheme.Scheme))
	hasStable := map[string]bool{}
	for gvk := range scheme.Scheme.AllKnownTypes() {
		hasStable[gvk.Group] = hasStable[gvk.Group] || stable.MatchString(gvk.Version)
	}
	// The schemas inside of CRDs lie where the letters A, B and S need them: first.
	number(reflect.TypeFor[apiextensions.JSONSchemaProps]())
	for gvk, kind := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || hasStable[gvk.Group] && !stable.MatchString(gvk.Version) {
			continue
		}
		_, isObject := kind.FieldByName("ObjectMeta")
		isOptions := gvk.Kind == "DeleteOptions" && gvk.GroupVersion().String() == "v1"
		if !isObject && !isOptions {
			continue
		}
		version := gvk.GroupVersion().String()
		if result.Kinds[version] == nil {
			result.Kinds[version] = map[string]int{}
		}
		result.Kinds[version][gvk.Kind] = number(kind)
	}
	fmt.Printf(source, text(sorted(result)))
}

func number(message reflect.Type) int {
	if known, ok := numbers[message]; ok {
		return known
	}
	at := len(result.Messages)
	numbers[message] = at
	fields := map[string]string{}
	result.Messages = append(result.Messages, fields)
	for i := range message.NumField() {
		field := message.Field(i)
		wire := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(wire) < 2 {
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[wire[1]] = name + ":" + holds(field.Type, strings.Contains(options, "omitempty"))
	}
	return at
}

func holds(kind reflect.Type, omitEmpty bool) string {
	zero := ""
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	} else if omitEmpty {
		zero = "?"
	}
	if letter, ok := letters[kind]; ok {
		return zero + letter
	}
	switch kind.Kind() {
	case reflect.Slice:
		if kind.Elem().Kind() == reflect.Uint8 {
			return zero + "y"
		}
		// A list with a name of its own may be a message that holds the list.
		if kind.Implements(marshaler) || reflect.PointerTo(kind).Implements(marshaler) {
			return zero + "l"
		}
		return "[" + holds(kind.Elem(), false)
	case reflect.Map:
		return "{" + holds(kind.Elem(), false)
	case reflect.Struct:
		return text(number(kind))
	case reflect.String:
		return zero + "s"
	case reflect.Bool:
		return zero + "b"
	case reflect.Float64, reflect.Float32:
		return zero + "d"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return zero + "i"
	default:
		panic("no letter for " + kind.String())
	}
}

func text(value any) string {
	encoded, err := json.Marshal(value)
	must(err)
	return string(encoded)
}

// The same table with messages numbered in an order that does not change from run to run.
func sorted(t table) table {
	order := []int{0}
	place := map[int]int{0: 0}
	var visit func(message int)
	visit = func(message int) {
		if _, ok := place[message]; !ok {
			place[message] = len(order)
			order = append(order, message)
		}
	}
	var kinds map[string]map[string]int
	must(json.Unmarshal([]byte(text(t.Kinds)), &kinds))
	for _, version := range keys(kinds) {
		for _, kind := range keys(kinds[version]) {
			visit(kinds[version][kind])
			kinds[version][kind] = place[kinds[version][kind]]
		}
	}
	digits := regexp.MustCompile(`\d+$`)
	for at := 0; at < len(order); at++ {
		for _, field := range keys(t.Messages[order[at]]) {
			if found := digits.FindString(t.Messages[order[at]][field]); found != "" {
				var message int
				must(json.Unmarshal([]byte(found), &message))
				visit(message)
			}
		}
	}
	messages := make([]map[string]string, len(order))
	for at, message := range order {
		messages[at] = map[string]string{}
		for field, held := range t.Messages[message] {
			messages[at][field] = digits.ReplaceAllStringFunc(held, func(found string) string {
				var old int
				must(json.Unmarshal([]byte(found), &old))
				return text(place[old])
			})
		}
	}
	return table{Kinds: kinds, Messages: messages}
}

func keys[V any](of map[string]V) []string {
	list := make([]string, 0, len(of))
	for key := range of {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
