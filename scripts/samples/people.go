package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// person is a made-up author.
type person struct {
	n         int
	first     string
	last      string
	followers int
	es        bool
}

func (p person) name() string { return p.first + " " + p.last }

func (p person) handle() string {
	h := strings.ToLower(p.first + "_" + p.last)
	return fmt.Sprintf("%s%d", strings.Map(func(r rune) rune {
		if plain, ok := plainLetters[r]; ok {
			return plain
		}
		return r
	}, h), p.n%97)
}

var plainLetters = map[rune]rune{'á': 'a', 'é': 'e', 'í': 'i', 'ó': 'o', 'ú': 'u', 'ñ': 'n', 'ü': 'u'}

var firstEN = strings.Fields("Mara Tobin Ines Arlo Petra Quill Nadia Owen Tessa Bram Lena Corin Vera Hale Juno Silas Mirelle Edda Pascal Rowan Thea Milo Greta Anselm Wren Lucan Isla Dorian Fenna Casper Odette Ruben Sunniva Jasper Hedda Linus Maren Orrin Philippa Tamsin Ulric Willa Yorick Zelda Abel Brisa Cato Delphine Emlyn Freya")
var lastEN = strings.Fields("Quell Harrow Vantreight Osgrove Pellow Tarn Brisk Holloway Merrin Fosse Kettle Lorne Ashdown Wickers Dunmore Crake Vellacott Sorrel Thistlewood Marsh Underhay Pryor Gadd Ferris Lowell Stroud Hask Bexley Corrigan Dray Elmsworth Fenwick Grue Hobday Inskip Jessop Kells Lyle Mabbott Nutley")
var firstES = strings.Fields("Lucía Mateo Noa Bruno Carmela Iker Valeria Darío Martina Unai Jimena Gael Rocío Izan Alba Nerea Tadeo Paloma Leandro Marisol Amaya Ciro Elvira Fermín Greta Hilario Irene Jacinto Lidia Mauro")
var lastES = strings.Fields("Barroso Quintanar Velasco Pardinas Olmedo Riquelme Sotillo Ibarrola Cañizares Mondragón Larrea Tordesillas Urrutia Peñalver Galarza Escorial Berrocal Zamudio Arrieta Lozano")

// crowd makes n people; about a quarter of them write Spanish.
func crowd(rng *rand.Rand, n int) []person {
	out := make([]person, n)
	for i := range out {
		p := person{n: i + 1, es: i%4 == 3}
		if p.es {
			p.first, p.last = pick(rng, firstES), pick(rng, lastES)
		} else {
			p.first, p.last = pick(rng, firstEN), pick(rng, lastEN)
		}
		// Followers are spread as on real platforms: most have few.
		p.followers = int(20 * (1 + rng.ExpFloat64()*float64(1+rng.IntN(30))))
		out[i] = p
	}
	return out
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
