package tradeclock_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// jsonTypes are the types that people put on a page or in a file.
var jsonTypes = []any{
	tradeclock.Schedule{}, tradeclock.Retry{}, tradeclock.StartLimit{}, store.ScheduleEdit{}, store.ScheduleChanges{}, store.ScheduleKey{}, store.QuarantineError{}, store.RowError{},
	tradeclock.Run{}, store.LateOutcome{}, store.Term{}, store.Enrolment{}, store.State{}, store.Claim{}, store.SettleResult{}, store.Query{}, store.Halt{}, store.AuditEntry{},
	tradeclock.Heartbeat{}, store.RunningTask{}, store.ReceivedHeartbeat{}, tradeclock.Status{}, tradeclock.AgendaItem{}, tradeclock.TriggerRequest{}, tradeclock.HaltRequest{}, tradeclock.LiftRequest{},
	calendar.Session{}, calendar.Phase{}, calendar.Hours{}, calendar.TableDay{}, rule.Occurrence{},
	tradeclock.Ticked{}, tradeclock.RunStarted{}, tradeclock.RunSettled{}, tradeclock.RunMissed{}, tradeclock.RunSkipped{}, tradeclock.TermChanged{}, tradeclock.SchedulesChanged{}, tradeclock.CalendarChanged{},
	tradeclock.SessionChange{}, tradeclock.TaskChange{}, tradeclock.ClockStepped{}, tradeclock.EventsLost{},
}

// textTypes are those that are one text, with how many values each has; 0 is for those
// that are made by a function of their own.
var textTypes = map[reflect.Type]int{
	reflect.TypeFor[tradeclock.Outcome](): valuesOf[tradeclock.Outcome](), reflect.TypeFor[tradeclock.Overlap](): valuesOf[tradeclock.Overlap](),
	reflect.TypeFor[tradeclock.Delivery](): valuesOf[tradeclock.Delivery](), reflect.TypeFor[calendar.SessionSet](): 1 << 4,
	reflect.TypeFor[tradeclock.SchedulerState](): valuesOf[tradeclock.SchedulerState](),
	reflect.TypeFor[calendar.SessionKind]():      4, reflect.TypeFor[calendar.Period](): 4, reflect.TypeFor[rule.Window](): 4,
	reflect.TypeFor[calendar.WallTime](): int(calendar.EndOfDay) + 1, reflect.TypeFor[calendar.Date](): 0, reflect.TypeFor[rule.Moment](): 0, reflect.TypeFor[rule.Filter](): 0,
}

func TestJSONReadsBackTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(28, 1))
	for _, zero := range jsonTypes {
		typ := reflect.TypeOf(zero)
		t.Run(typ.Name(), func(t *testing.T) {
			if len(jsonNames(typ)) > 0 {
				assertJSON(t, zero)
			}
			for range 200 {
				assertJSON(t, randomOf(r, typ, 0.5).Interface())
			}
		})
	}
}

func TestScheduleJSONTellsSinceInUTC(t *testing.T) {
	since := time.Date(2026, 11, 23, 9, 15, 0, 0, time.FixedZone("IST", 19800))
	text, err := json.Marshal(tradeclock.Schedule{Task: "buy", Rule: rule.Daily(rule.At(9, 15)), Since: since})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"since":"2026-11-23T03:45:00Z"`)
}

func TestTextsReadBackTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(28, 2))
	for typ := range textTypes {
		t.Run(typ.Name(), func(t *testing.T) {
			assertText(t, reflect.Zero(typ).Interface())
			for range 500 {
				assertText(t, randomOf(r, typ, 0).Interface())
			}
		})
	}
	for range 500 {
		made := randomRule(r)
		text, err := made.(encoding.TextMarshaler).MarshalText()
		require.NoError(t, err)
		assert.Equal(t, made.String(), string(text))
		again, err := rule.Parse(string(text))
		require.NoError(t, err)
		assert.Equal(t, made, again)
	}
}

// Every field has a key in lower case, and every duration is a text.
func TestJSONNamesEveryField(t *testing.T) {
	r := rand.New(rand.NewPCG(28, 3))
	for _, zero := range jsonTypes {
		typ := reflect.TypeOf(zero)
		data, err := json.Marshal(randomOf(r, typ, 1).Interface())
		require.NoError(t, err, typ)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(data, &fields), typ)
		assert.ElementsMatch(t, jsonNames(typ), slices.Collect(maps.Keys(fields)), "%v: %s", typ, data)
		assertDurationsAreTexts(t, typ, fields)
	}
}

func TestTextsRefuseWhatHasNoName(t *testing.T) {
	for _, value := range []encoding.TextMarshaler{
		tradeclock.Outcome(99), tradeclock.Overlap(9), tradeclock.Delivery(9), tradeclock.SchedulerState(9), calendar.SessionKind(9), calendar.Period(9), rule.Window(9),
		calendar.SessionSet(1 << 7), -calendar.EndOfDay - 1, calendar.Wall(9, 75), 2*calendar.EndOfDay + 1, rule.At(9, 75), rule.AtAnchor("Open", 0), rule.NthSession(0, calendar.Week), rule.OnWeekdays(),
		rule.Daily(rule.At(9, 75)).(encoding.TextMarshaler), rule.On(rule.Daily(rule.At(9, 15)), rule.OnWeekdays()).(encoding.TextMarshaler),
	} {
		_, err := value.MarshalText()
		assert.Error(t, err, "%T %v", value, value)
	}
	for _, target := range []encoding.TextUnmarshaler{new(calendar.SessionKind), new(calendar.Period)} {
		assert.Error(t, target.UnmarshalText(nil), "%T: which it is must be said", target)
	}
	for typ := range textTypes {
		target := reflect.New(typ).Interface().(encoding.TextUnmarshaler)
		assert.Error(t, target.UnmarshalText([]byte("no such")), typ)
	}
}

func TestScheduleJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"task":"a","rule":"daily 9:15"}`:                    `schedule: rule "daily 9:15": want a time`,
		`{"task":"a","timeout":"5"}`:                          `schedule: timeout: duration "5": want a duration such as 90s`,
		`{"task":"a","timeout":300}`:                          `schedule: timeout: a number is no value for it`,
		`{"task":"a","priority":"1"}`:                         `schedule: priority: a string is no value for it`,
		`{"task":"a","catchup":"5m"}`:                         `schedule: catchup: there is no such key`,
		`{"task":"a","overlap":"never"}`:                      `schedule: overlap "never" is none of skip, queue, cancel, allow`,
		`{"task":"a","retry":{"backoff":"1"}}`:                `schedule: retry: backoff: duration "1"`,
		`{"task":"a","retry":{"attemps":3}}`:                  `schedule: retry: attemps: there is no such key`,
		`{"task":"a","prior":"daily"}`:                        `schedule: prior: rule "daily": want a time`,
		`{"task":"a","catch_up_until":"Close"}`:               `schedule: catch_up_until: moment "Close"`,
		`{"task":"a","sessions":"holiday"}`:                   `schedule: sessions "holiday"`,
		`{"task":"a","since":"yesterday"}`:                    `schedule: since: `,
		`{"overlap":"never","task":"a","delivery":"maybe"}`:   "schedule: delivery \"maybe\" is none of at-most-once, at-least-once\noverlap \"never\"",
		`{"task":"a","rule":"*/5 9-15 * * 1-5","timeout":""}`: `"every 5m 09:00-16:00 on mon,tue,wed,thu,fri"`,
		`[]`: `schedule: json: cannot unmarshal array`,
	} {
		s := tradeclock.Schedule{Task: "before"}
		assert.ErrorContains(t, json.Unmarshal([]byte(text), &s), want, text)
		assert.Equal(t, tradeclock.Schedule{Task: "before"}, s, "it is left as it was")
	}
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"catchup":"5m"}`), new(store.ScheduleEdit)), "edit: catchup: there is no such key")
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"per_acount":true}`), new(tradeclock.StartLimit)), "start limit: per_acount: there is no such key")
}

func TestJSONOfSchedulesThatCannotBeReadBack(t *testing.T) {
	data, err := json.Marshal(tradeclock.Schedule{Task: "a", Rule: ownRule{}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"task":"a","rule":"own"}`, string(data), "a user's rule is its text")
	assert.ErrorContains(t, json.Unmarshal(data, new(tradeclock.Schedule)), `rule "own": "own" is none of`)

	own := func(text string) (rule.Rule, error) {
		if text == "own" {
			return ownRule{}, nil
		}
		return rule.Parse(text)
	}
	var s tradeclock.Schedule
	require.NoError(t, s.ReadJSON([]byte(`{"task":"a","rule":"own","prior":"daily 09:01"}`), own), "what knows its type reads it")
	assert.Equal(t, tradeclock.Schedule{Task: "a", Rule: ownRule{}, Prior: rule.Daily(rule.At(9, 1))}, s)
	var edit store.ScheduleEdit
	require.NoError(t, edit.ReadJSON([]byte(`{"rule":"own"}`), own))
	assert.Equal(t, store.ScheduleEdit{Rule: ownRule{}}, edit)

	_, err = json.Marshal(tradeclock.Schedule{Task: "a", Rule: rule.Daily(rule.At(9, 75))})
	assert.ErrorContains(t, err, "a time of day has a minute from 0 to 59")
	_, err = json.Marshal(tradeclock.Schedule{Task: "a", Rule: speechless{}})
	assert.ErrorContains(t, err, "String panicked")
}

func TestScheduleEditJSONSetsBackToDefaults(t *testing.T) {
	var edit store.ScheduleEdit
	require.NoError(t, json.Unmarshal([]byte(`{"timeout":"0s","sessions":"","disabled":false}`), &edit))
	s := tradeclock.Schedule{Rule: rule.Daily(rule.At(9, 15)), Timeout: time.Hour, CatchUp: time.Hour, Sessions: calendar.EveryDay, Disabled: true}
	edit.Apply(&s)
	assert.Equal(t, tradeclock.Schedule{Rule: rule.Daily(rule.At(9, 15)), CatchUp: time.Hour}, s)
}

func TestScheduleEditOfTheCapOfACatchUp(t *testing.T) {
	var s tradeclock.Schedule
	until := rule.AtAnchor("close", 0)
	store.ScheduleEdit{CatchUpUntil: &until}.Apply(&s)
	until.Anchor = "open" // which is not that of the row
	require.NotNil(t, s.CatchUpUntil)
	assert.Equal(t, rule.AtAnchor("close", 0), *s.CatchUpUntil)

	store.ScheduleEdit{NoCatchUpUntil: true}.Apply(&s)
	assert.Nil(t, s.CatchUpUntil)
}

// A text either is refused or is a schedule that is written as one that reads back
// the same.
func FuzzScheduleJSON(f *testing.F) {
	for _, text := range []string{
		`{"task":"a","rule":"daily 09:01","timeout":"4m","retry":{"attempts":3}}`, `{"task":"a","rule":"after b on 5m on mon"}`,
		`{"since":"2026-11-23T09:15:00.5+05:30","catch_up_until":"first close"}`, `{"sessions":"","prior":"once 2026-11-23 open"}`, `null`, `{"rule":null}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, again tradeclock.Schedule
		if json.Unmarshal([]byte(text), &s) != nil || s.Since.Year() > 9999 || s.Since.Year() < 0 {
			return
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%s is read as %+v, and cannot be written: %v", text, s, err)
		}
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%s is written as %s, which is read as %+v, %v", text, data, again, err)
		}
	})
}

func assertJSON(t *testing.T, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err, "%+v", value)
	again := reflect.New(reflect.TypeOf(value))
	require.NoError(t, json.Unmarshal(data, again.Interface()), "%s", data)
	require.Equal(t, value, again.Elem().Interface(), "%s", data)
}

// assertText also compares with what String says, which names the default of an empty
// set, and midnight by the next day.
func assertText(t *testing.T, value any) {
	t.Helper()
	text, err := value.(encoding.TextMarshaler).MarshalText()
	require.NoError(t, err, "%v", value)
	if shown := fmt.Sprint(value); shown != string(text) {
		require.Contains(t, []any{calendar.SessionSet(0), calendar.EndOfDay, calendar.Date{}}, value, "%s is shown as %s", text, shown)
	}
	again := reflect.New(reflect.TypeOf(value))
	require.NoError(t, again.Interface().(encoding.TextUnmarshaler).UnmarshalText(text), "%s", text)
	require.Equal(t, value, again.Elem().Interface(), "%s", text)
}

var capital = regexp.MustCompile(`([a-z])([A-Z])`)

// jsonNames are the keys that a type should have: those of its fields, in lower case.
func jsonNames(typ reflect.Type) (names []string) {
	if typ == reflect.TypeFor[store.RowError]() {
		return []string{"task", "account", "error"}
	}
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Anonymous {
			names = append(names, jsonNames(f.Type)...)
		} else {
			names = append(names, jsonName(f))
		}
	}
	return names
}

func jsonName(f reflect.StructField) string {
	return string(regexp.MustCompile(`[A-Z]`).ReplaceAllFunc(capital.ReplaceAll([]byte(f.Name), []byte("${1}_$2")), func(c []byte) []byte {
		return []byte{c[0] + 'a' - 'A'}
	}))
}

func assertDurationsAreTexts(t *testing.T, typ reflect.Type, fields map[string]any) {
	for i := range typ.NumField() {
		switch f := typ.Field(i); f.Type {
		case reflect.TypeFor[time.Duration](), reflect.TypeFor[*time.Duration]():
			assert.IsType(t, "", fields[jsonName(f)], "%v: %s", typ, f.Name)
		}
	}
}

// randomOf returns a value of the type; each field is filled with the given likelihood.
func randomOf(r *rand.Rand, typ reflect.Type, likely float64) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()))
		return v
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"rule":"daily 09:01"}`))
		return v
	case reflect.TypeFor[time.Duration]():
		v.SetInt(1 + r.Int64N(int64(10*time.Hour))/int64(time.Millisecond)*int64(time.Millisecond))
		return v
	case reflect.TypeFor[calendar.Date]():
		v.Set(reflect.ValueOf(calendar.Date{Year: 2026, Month: 1, Day: 1}.AddDays(r.IntN(1000))))
		return v
	case reflect.TypeFor[rule.Moment]():
		v.Set(reflect.ValueOf(randomMoment(r)))
		return v
	case reflect.TypeFor[rule.Filter]():
		v.Set(reflect.ValueOf(randomFilter(r)))
		return v
	case reflect.TypeFor[rule.Rule]():
		v.Set(reflect.ValueOf(randomRule(r)))
		return v
	case reflect.TypeFor[json.RawMessage]():
		v.Set(reflect.ValueOf(json.RawMessage(`{"task":"buy"}`)))
		return v
	case reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(errors.New(randomText(r))))
		return v
	}
	if values := textTypes[typ]; values > 0 {
		n := 1 + r.IntN(values-1)
		v.Set(reflect.ValueOf(n).Convert(typ))
		return v
	}
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			if r.Float64() < likely {
				v.Field(i).Set(randomOf(r, typ.Field(i).Type, likely))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(randomOf(r, typ.Elem(), likely))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(typ, 1+r.IntN(3), 3))
		for i := range v.Len() {
			v.Index(i).Set(randomOf(r, typ.Elem(), likely))
		}
	case reflect.Map:
		if typ.Elem().Kind() == reflect.Interface {
			v.Set(reflect.ValueOf(map[string]any{"orders": float64(r.IntN(100)), "note": randomText(r), "done": true}))
			break
		}
		v.Set(reflect.MakeMap(typ))
		v.SetMapIndex(randomOf(r, typ.Key(), likely), randomOf(r, typ.Elem(), likely))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(randomText(r))
	default:
		v.Set(reflect.ValueOf(1 + r.IntN(1000)).Convert(typ))
	}
	return v
}

func randomText(r *rand.Rand) string {
	return []string{"buy_orders", "a b", `"<&>"`, "श्री", "line\nline"}[r.IntN(5)]
}

func randomMoment(r *rand.Rand) rule.Moment {
	if r.IntN(2) == 0 {
		return rule.Moment{Wall: calendar.WallTime(r.IntN(int(8 * calendar.EndOfDay)))}
	}
	anchor := []string{"open", "close", "pre_open", "closing_auction.end"}[r.IntN(4)]
	return rule.AtAnchor(anchor, time.Duration(r.IntN(2*86400)-86400)*time.Second).In(rule.Window(r.IntN(3)))
}

func randomFilter(r *rand.Rand) rule.Filter {
	n, from := []int{1, 2, 3, -1, -2}[r.IntN(5)], calendar.Date{Year: 2026, Month: 1, Day: 1}.AddDays(r.IntN(100))
	days := rule.OnWeekdays(time.Weekday(r.IntN(7)), time.Weekday(r.IntN(7)))
	return []rule.Filter{
		days, rule.NthSession(n, calendar.Period(r.IntN(4))), rule.NthDay(n, calendar.Period(r.IntN(4))).OrSessionAfter(),
		rule.NthWeekday(n, time.Weekday(r.IntN(7)), calendar.Month).OrSessionBefore(), days.And(rule.EveryNthWeek(2+r.IntN(5), from)),
		rule.EveryNthSession(2+r.IntN(5), from).And(rule.InMonths(time.Month(1 + r.IntN(12)))),
	}[r.IntN(6)]
}

func randomRule(r *rand.Rand) rule.Rule {
	at := randomMoment(r)
	open, closing := rule.AtAnchor("open", time.Minute), rule.AtAnchor("close", -time.Duration(r.IntN(3600))*time.Second)
	bare := []rule.Rule{
		rule.Daily(at), rule.Hourly(open, closing), rule.Every(time.Duration(1+r.IntN(7200))*time.Second, open, closing),
		rule.After("the close", time.Duration(r.IntN(7200))*time.Second), rule.Every(time.Minute, rule.At(9, 15), rule.At(24, 0)),
		rule.Daily(rule.At(9, r.IntN(60)), closing, rule.At(14, r.IntN(60))),
		rule.Except(rule.Every(time.Minute, open, closing), rule.At(11, r.IntN(60)), rule.At(12, r.IntN(60))),
	}[r.IntN(7)]
	switch r.IntN(3) {
	case 0:
		return rule.On(bare, randomFilter(r))
	case 1:
		return rule.Once(calendar.Date{Year: 2026, Month: 11, Day: 1}.AddDays(r.IntN(100)), at)
	}
	return bare
}

// ownRule is a rule of a user's own type.
type ownRule struct{}

func (ownRule) Occurrences(calendar.Session, *time.Location) ([]rule.Occurrence, error) {
	return nil, nil
}
func (ownRule) String() string { return "own" }

// speechless is a user's rule that panics if it is asked for its text.
type speechless struct{ ownRule }

func (speechless) String() string { panic("no text") }

// valuesOf counts the values that have a name.
func valuesOf[T interface {
	~uint8
	fmt.Stringer
}]() (n int) {
	for !strings.HasPrefix(T(n).String(), "invalid") {
		n++
	}
	return n
}
