package invitations

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChanges_Empty(t *testing.T) {
	t.Parallel()
	require.True(t, Changes{}.Empty())
	require.True(t, Changes{Invitations: []Record{}, Events: []Event{}}.Empty())
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Changes]()) {
		var c Changes
		value := reflect.ValueOf(&c).Elem().FieldByIndex(field.Index)
		switch field.Type.Kind() {
		case reflect.Slice:
			value.Set(reflect.MakeSlice(field.Type, 1, 1))
		case reflect.Pointer:
			value.Set(reflect.New(field.Type.Elem()))
		default:
			value.SetBool(true)
		}
		require.False(t, c.Empty(), field.Name)
	}
}
