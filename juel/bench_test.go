package juel_test

import (
	"testing"

	"github.com/waybill-io/waybill/juel"
)

func BenchmarkEval(b *testing.B) {
	env := vars()
	for _, src := range []string{
		"${amount > 100 && status == 'open'}",
		"${amount * price + 1}",
		"${customer.address.city.startsWith('Lon')}",
		"Dear ${customer.name}, you ordered ${amount}",
	} {
		e, err := juel.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := juel.Parse("${amount > 100 && status == 'open'}"); err != nil {
			b.Fatal(err)
		}
	}
}
