package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestVariablesKeepTheirNumbers(t *testing.T) {
	var v contract.Variables
	require.NoError(t, json.Unmarshal([]byte(`{"id":9007199254740993,"price":1.5,"half":2.0,"huge":123456789012345678901,"list":[1,{"n":2}],"none":null}`), &v))
	require.Equal(t, contract.Variables{
		"id": int64(9007199254740993), "price": 1.5, "half": 2.0, "huge": 123456789012345678901.0,
		"list": []any{int64(1), map[string]any{"n": int64(2)}}, "none": nil,
	}, v)
	require.NoError(t, json.Unmarshal([]byte(`null`), &v))
	require.Nil(t, v)
	require.Error(t, json.Unmarshal([]byte(`[1]`), &v))
}
