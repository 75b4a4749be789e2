package main

import (
	"math/rand/v2"
	"strings"

	"github.com/fielder-care/fielder/scripts/wire"
)

var firstEN = strings.Fields("Mara Tobin Ines Arlo Petra Quill Nadia Owen Tessa Bram Lena Corin Vera Hale Juno Silas Mirelle Edda Pascal Rowan Thea Milo Greta Anselm Wren Lucan Isla Dorian Fenna Casper Odette Ruben Sunniva Jasper Hedda Linus Maren Orrin Philippa Tamsin Ulric Willa Yorick Zelda Abel Brisa Cato Delphine Emlyn Freya")
var lastEN = strings.Fields("Quell Harrow Vantreight Osgrove Pellow Tarn Brisk Holloway Merrin Fosse Kettle Lorne Ashdown Wickers Dunmore Crake Vellacott Sorrel Thistlewood Marsh Underhay Pryor Gadd Ferris Lowell Stroud Hask Bexley Corrigan Dray Elmsworth Fenwick Grue Hobday Inskip Jessop Kells Lyle Mabbott Nutley")
var firstES = strings.Fields("Lucía Mateo Noa Bruno Carmela Iker Valeria Darío Martina Unai Jimena Gael Rocío Izan Alba Nerea Tadeo Paloma Leandro Marisol Amaya Ciro Elvira Fermín Greta Hilario Irene Jacinto Lidia Mauro")
var lastES = strings.Fields("Barroso Quintanar Velasco Pardinas Olmedo Riquelme Sotillo Ibarrola Cañizares Mondragón Larrea Tordesillas Urrutia Peñalver Galarza Escorial Berrocal Zamudio Arrieta Lozano")

// crowd makes n people; about a quarter of them write Spanish.
func crowd(rng *rand.Rand, n int) []wire.Person {
	out := make([]wire.Person, n)
	for i := range out {
		p := wire.Person{N: i + 1, Spanish: i%4 == 3}
		if p.Spanish {
			p.First, p.Last = pick(rng, firstES), pick(rng, lastES)
		} else {
			p.First, p.Last = pick(rng, firstEN), pick(rng, lastEN)
		}
		// Followers are spread as on real platforms: most have few.
		p.Followers = int(20 * (1 + rng.ExpFloat64()*float64(1+rng.IntN(30))))
		out[i] = p
	}
	return out
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
