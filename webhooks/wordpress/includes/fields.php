<?php
/**
 * The fields of a form, whoever made it: which is the address, which the name, and what was ticked.
 *
 * A builder's form is passed on once the owner has said to which of the program's forms it belongs.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

const NURTURE_MOST_SEEN = 100;

/**
 * Return a field as it is read everywhere here.
 *
 * @param string $id     What its builder calls it.
 * @param string $label  What the visitor sees.
 * @param string $type   One of email, first_name, name, box and text.
 * @param mixed  $value  A text or, for a box, the list of the texts that were ticked.
 * @return array
 */
function nurture_field( $id, $label, $type, $value ) {
	return array(
		'id'    => (string) $id,
		'label' => trim( wp_strip_all_tags( (string) $label ) ),
		'type'  => $type,
		'value' => 'box' === $type ? nurture_texts( $value ) : implode( ' ', nurture_texts( $value ) ),
	);
}

/**
 * Return the texts in a value that are not blank.
 *
 * @param mixed $value A text, or texts, however deep.
 * @return array
 */
function nurture_texts( $value ) {
	$texts = array();
	foreach ( (array) $value as $one ) {
		if ( is_array( $one ) ) {
			$texts = array_merge( $texts, nurture_texts( $one ) );
		} elseif ( is_scalar( $one ) && false !== $one && '' !== trim( (string) $one ) ) {
			$texts[] = sanitize_text_field( (string) $one );
		}
	}
	return $texts;
}

/**
 * Take a form that a builder has accepted, if it belongs to one of the program's forms.
 *
 * @param string $builder The builder.
 * @param string $id      What the builder calls the form.
 * @param string $title   What the owner calls it.
 * @param array  $fields  Its fields.
 */
function nurture_submitted( $builder, $id, $title, array $fields ) {
	$known = nurture_guess( $fields );
	if ( ! $known['email'] ) {
		return;
	}
	nurture_see( $builder . ':' . $id, $title, $fields );
	$maps = nurture_settings()['maps'];
	$map  = isset( $maps[ $builder . ':' . $id ] ) ? $maps[ $builder . ':' . $id ] : array();
	if ( empty( $map['form'] ) ) {
		return;
	}
	$said = nurture_read( $fields, $map );
	if ( '' !== $said['email'] ) {
		nurture_take( $map['form'], $said + nurture_visit() );
	}
}

/**
 * Remember that a form exists, with the names of its fields and nothing that anyone typed.
 *
 * @param string $key    The builder and the form.
 * @param string $title  What the owner calls it.
 * @param array  $fields Its fields.
 */
function nurture_see( $key, $title, array $fields ) {
	$seen = get_option( 'nurture_seen', array() );
	$form = array(
		'title'  => sanitize_text_field( (string) $title ),
		'fields' => array(),
		'guess'  => nurture_guess( $fields ),
	);
	foreach ( $fields as $field ) {
		$form['fields'][ $field['id'] ] = array(
			'label' => '' === $field['label'] ? $field['id'] : mb_substr( $field['label'], 0, 200 ),
			'type'  => $field['type'],
		);
	}
	if ( ! isset( $seen[ $key ] ) || $seen[ $key ] !== $form ) {
		$seen = array_slice( array( $key => $form ) + $seen, 0, NURTURE_MOST_SEEN, true );
		update_option( 'nurture_seen', $seen, false );
	}
}

/**
 * Guess which field is which, from their types and then from their names.
 *
 * @param array $fields The fields.
 * @return array The ids of email, first_name and name; empty where there is none.
 */
function nurture_guess( array $fields ) {
	$names = array(
		'email'      => '/^(e-?mail|your-?e-?mail)/i',
		'first_name' => '/^(your[ _-]?)?(first|given|fore)[ _-]?name|^vorname|^pr[eé]nom/iu',
		'name'       => '/^(your[ _-]?|full[ _-]?)?name/i',
	);
	$guess = array();
	foreach ( $names as $what => $pattern ) {
		$guess[ $what ] = '';
		foreach ( array( 'type', 'id', 'label' ) as $where ) {
			foreach ( $fields as $field ) {
				$found = 'type' === $where ? $field['type'] === $what : 'box' !== $field['type'] && preg_match( $pattern, $field[ $where ] );
				if ( $found && '' === $guess[ $what ] ) {
					$guess[ $what ] = $field['id'];
				}
			}
		}
	}
	return $guess;
}

/**
 * Return what the fields say, under the names of the program.
 *
 * @param array $fields The fields.
 * @param array $map    What the owner has said of them; nothing means the guess.
 * @return array
 */
function nurture_read( array $fields, array $map ) {
	$said  = array( 'email' => '' );
	$ticks = array();
	$guess = nurture_guess( $fields );
	$chose = isset( $map['fields'] ) ? array_filter( $map['fields'], 'strlen' ) : array();
	foreach ( array_merge( $guess, $chose ) as $what => $id ) {
		foreach ( $fields as $field ) {
			if ( $field['id'] === $id && is_string( $field['value'] ) && '' !== $field['value'] ) {
				$said[ $what ] = mb_substr( $field['value'], 0, 300 );
			}
		}
	}
	foreach ( $fields as $field ) {
		if ( 'box' === $field['type'] ) {
			$ticks = array_merge( $ticks, nurture_ticked( $field, $map ) );
		}
	}
	return $ticks ? $said + array( 'consent' => array_values( array_unique( $ticks ) ) ) : $said;
}

/**
 * Return the purposes that a box was ticked for: what the owner has said, or what its words name.
 *
 * A box that does not say what it is for is not consent, so it is left out.
 *
 * @param array $field The box.
 * @param array $map   What the owner has said.
 * @return array
 */
function nurture_ticked( array $field, array $map ) {
	if ( ! $field['value'] ) {
		return array();
	}
	if ( ! empty( $map['boxes'][ $field['id'] ] ) ) {
		return array( $map['boxes'][ $field['id'] ] );
	}
	$texts = array_merge( array( $field['id'], $field['label'] ), $field['value'] );
	return array_filter( array_map( 'nurture_purpose', $texts ) );
}

/**
 * Return the purpose that a text names, by its key or by the whole wording of its box.
 *
 * @param string $text The text.
 * @return string
 */
function nurture_purpose( $text ) {
	foreach ( nurture_forms() as $form ) {
		foreach ( $form['boxes'] as $purpose => $wording ) {
			if ( in_array( nurture_plain( $text ), array( nurture_plain( $purpose ), nurture_plain( $wording ) ), true ) ) {
				return $purpose;
			}
		}
	}
	return '';
}

/**
 * Return a text without differences that do not matter: capitals, blanks, a full stop.
 *
 * @param string $text The text.
 * @return string
 */
function nurture_plain( $text ) {
	return rtrim( trim( preg_replace( '/[\s_-]+/u', ' ', mb_strtolower( (string) $text ) ) ), '.' );
}
