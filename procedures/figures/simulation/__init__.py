"""A computed set of fluoroscopy pictures: one spine model, X-rays by Beer–Lambert, marks that know where they are."""
