package money

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Currency is an alphabetic code of ISO 4217, such as EUR. Any string is a
// Currency, but only those with Decimals are known.
type Currency string

// Decimals is the number of decimals between the unit and the minor unit of c,
// and whether c is known: an active currency or fund of ISO 4217 that has a
// minor unit, which leaves out metals and test codes.
func (c Currency) Decimals() (n int, known bool) {
	n, known = decimals[c]
	return n, known
}

// Currencies lists the known currencies, sorted.
func Currencies() []Currency { return slices.Sorted(maps.Keys(decimals)) }

func unknownCurrency(c Currency) error {
	return fmt.Errorf("currency %.10q is not an active code of ISO 4217, such as EUR", string(c))
}

// ISO 4217 list one, as of amendment 180 (2026-01-01). Never remove a currency
// that is withdrawn once invoices in it may exist: history must stay readable.
var decimals = byDecimals(map[int]string{
	0: `BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF`,
	2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
		CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
		IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
		MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
		SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG
		YER ZAR ZMW ZWG`,
	3: `BHD IQD JOD KWD LYD OMR TND`,
	4: `CLF UYW`,
})

func byDecimals(codes map[int]string) map[Currency]int {
	table := map[Currency]int{}
	for n, list := range codes {
		for code := range strings.FieldsSeq(list) {
			table[Currency(code)] = n
		}
	}
	return table
}
