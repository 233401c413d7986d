package smoke

// A shade is a class of loss with the colour that SmokePing's users know it by.
type shade struct {
	class string
	upTo  float64 // a share of the packets, included
	words string  // in the legend
	light string  // colours: SmokePing's, some darker, so that they stand out from white
	dark  string  // SmokePing's, some lighter, so that they stand out from black
}

// shades are SmokePing's steps for 20 packets, as shares.
var shades = [...]shade{
	{"l0", 0, "none lost", "#18a800", "#26ff00"},
	{"l1", 0.05, "to 5 %", "#009ada", "#00b8ff"},
	{"l2", 0.10, "to 10 %", "#0059ff", "#4f8dff"},
	{"l3", 0.15, "to 15 %", "#5e00ff", "#8f5cff"},
	{"l4", 0.20, "to 20 %", "#7e00ff", "#b16bff"},
	{"l5", 0.50, "to 50 %", "#dd00ff", "#e95cff"},
	{"l6", 0.9999999, "more", "#ff0000", "#ff3b3b"},
	{"l7", 1, "all lost", "#a00000", "#ff7a5c"},
}

// shadeOf is the index in shades of a share of packets.
func shadeOf(share float64) int {
	for i, s := range shades {
		if share <= s.upTo {
			return i
		}
	}
	return len(shades) - 1
}
