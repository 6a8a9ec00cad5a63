import { answer } from '../answers.js';
import { exactly, type Route } from '../route.js';

/** A branch that leaves another, 64 × 64 pixels, as PNG. */
const icon = Buffer.from(
  [
    'iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAgMAAADXB5lNAAAACVBMVEUAAAArOlX////59GWQAAAAAXRSTlMAQObYZgAAAMtJ',
    'REFUeNrF1LERwyAMBVBSZAT2yQgpDHdhBPYhRXoK/ykjIR9Gwnc+pwkFxbMAgRHOORd6c62FoOU+wpPAj7CYETzmpuGhp+BJ',
    'JvAaFoGXgYiqIWHdgfsM7IlwB6Bcg0hQf5ujdJA8MjpIphLWoO0lylJygvwtocVdAVoKpxEKeIcKEkwewJApAQUMeyHIFF8G',
    'ePcT2eDT/8wG+5F1CAaqhWJgDQaqhmgh2SH/vR8CXudxcJMP77qqhvOKmopwKtO5kKdSnx4D81x8AQrse6le1gmhAAAAAElF',
    'TkSuQmCC',
  ].join(''),
  'base64',
);

/** Where how clients may show this service is, as the NIP-11 document says. */
export const iconPath = '/icon.png';

/** The image there. */
export function iconRoute(): Route {
  return {
    matches: exactly(iconPath),
    methods: ['GET'],
    handle: (_request, response) =>
      answer(response, 200, 'image/png', icon, { 'Cache-Control': 'public, max-age=86400' }),
  };
}
