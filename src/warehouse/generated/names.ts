/** First names of the generated business. The order of the common ones is their rank in a Zipf distribution. */

export const COMMON_NAMES: readonly string[] = (
  'James Mary Maria Michael Jennifer David Linda John Jose Sarah Robert Jessica Wei Daniel Ashley William Emily Carlos ' +
  'Matthew Amanda Christopher Priya Joshua Melissa Andrew Ana Anthony Michelle Joseph Olivia Ryan Emma Brandon Sophia ' +
  'Luis Isabella Kevin Rachel Justin Lauren Eric Fatima Brian Hannah Juan Nicole Alex Samantha Thomas Grace Steven ' +
  'Stephanie Jonathan Rebecca Jason Elizabeth Mohammed Laura Tyler Megan Aaron Victoria Nathan Kayla Adam Natalie ' +
  'Benjamin Alexis Samuel Amber Zachary Danielle Kyle Brittany Jordan Madison Patrick Abigail Richard Chloe Miguel ' +
  'Ava Sean Mia Jacob Ella Ethan Zoe Noah Lily Liam Aria Lucas Nora Mason Layla Logan Ellie Jackson Hazel Aiden Violet ' +
  'Elijah Aurora Oliver Stella Jayden Lucy Caleb Anna Isaac Caroline Gabriel Naomi Owen Elena Dylan Sadie Connor Ruby ' +
  'Luke Eva Henry Alice Jack Clara Wyatt Vivian Julian Josephine Levi Eliza Hunter Delilah Christian Ivy Landon Jade ' +
  'Jeremiah Valentina Adrian Gianna Cameron Camila Charles Leah Angel Savannah Thiago Audrey Robin Brooklyn Mateo Bella ' +
  'Dominic Claire Austin Skylar Ian Paisley Evan Everly Marcus Anika Jerome Tamika Darnell Keisha Andre Latoya Malik ' +
  'Ebony Hiroshi Yuki Kenji Sakura Min Ji Jun Hana Arjun Aisha Rahul Neha Vikram Deepa Sanjay Lakshmi Ravi Meera Omar ' +
  'Leila Hassan Yasmin Ali Noor Ahmed Zainab Ivan Olga Dmitri Natasha Sergei Irina Pavel Katya Lars Ingrid Sven Astrid ' +
  'Erik Freya Hans Greta Klaus Heidi Pierre Celine Antoine Margaux Marco Giulia Luca Chiara Paolo Francesca Dimitris ' +
  'Eleni Kwame Ama Chidi Ngozi Tunde Folake Sipho Thandi Tane Aroha Makoa Leilani Dakota Sequoia Winona Cheyenne'
).split(' ');

/** Names that find out what a layout, a font stack and a URL are made of. All fit into 60 characters. */
export const WORLD_NAMES: readonly string[] = [
  // Latin with marks, apostrophes and hyphens.
  'Zoë',
  'José',
  'Nuñez',
  'Renée',
  'Søren',
  'Åsa',
  'Łukasz',
  'Çağla',
  'Þórdís',
  'Ștefan',
  'Nguyễn Thị Ánh',
  'Đặng Hữu Phước',
  "D'Angelo",
  'O’Connor',
  "Sean O'Brien",
  'Anne-Marie',
  'Jean-Baptiste',
  'María del Carmen',
  'Kaʻiulani',
  'Nikolaj-Øyvind',
  'Smith-Weatherington',
  'Wolfeschlegelsteinhausenbergerdorff',
  'Hubert Blaine Wolfeschlegelsteinhausen-Bergerdorff Sr.',
  'Uvuvwevwevwe Onyetenyevwe Ugwemuhwem Osas',
  'Maximiliana-Konstantina von und zu Hohenlohe-Langenburg-Linz',
  // Greek, Cyrillic, Georgian, Armenian, Ethiopic.
  'Ελένη',
  'Γιώργος',
  'Ольга',
  'Дмитрий',
  'Їжакевич',
  'ნინო',
  'Անահիտ',
  'ሰላም',
  // Right to left.
  'محمد',
  'فاطمة',
  'عبد الرحمن',
  'شیرین',
  'יעל',
  'אברהם',
  'نور Al-Sayed',
  // Brahmic scripts, Thai, Khmer, Burmese, Tibetan.
  'प्रिया',
  'अर्जुन',
  'কৃষ্ণা',
  'தமிழ்ச்செல்வி',
  'ಶ್ರೀನಿವಾಸ',
  'ਗੁਰਪ੍ਰੀਤ',
  'สมชาย',
  'ณัฐธิดา',
  'សុភា',
  'အောင်ဆန်း',
  'བཀྲ་ཤིས',
  // Han, kana, Hangul; 𠮷 lies outside the basic plane.
  '美咲',
  '𠮷田',
  '王小明',
  '李娜',
  '欧阳修',
  'さくら',
  'ケンジ',
  '김민준',
  '남궁서연',
  // Emoji: one of several code points, a flag, a skin tone.
  'Luna 🌙',
  '👩‍🚀 Sam',
  'Kofi 🇬🇭',
  'Ana 💃🏽',
  '🦊',
  // Text that is no markup, no formula, no path and no format string, although it looks like one.
  '<b>Max</b>',
  '<script>alert(1)</script>',
  'Tom & Jerry',
  '"Ace"',
  '=SUM(A1)',
  '100% Bob',
  '../etc/passwd',
  '{{name}}',
  'null',
  'NaN',
  '007',
  'X',
  'x Æ A-12',
];

/** 61 characters and more, which the template refuses. */
export const TOO_LONG_NAME = 'Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios';
